"""The views for people: what a table says in numbers and keys, said in words and joined.

They are part of the product and described in `docs/sql.md`. They hold no data, so they are not migrated step by step:
every upgrade drops them and creates those of the program at hand (`recreate`).
"""

from sqlalchemy import Connection, inspect, text


def _moment(dialect: str, column: str) -> str:
    """Milliseconds as UTC text, such as 2026-11-23T09:53:47Z; NULL stays NULL."""
    if dialect == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000, 'unixepoch')"
    return f"to_char(to_timestamp({column} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def _seconds(column: str) -> str:
    return f"ROUND(({column}) / 1000.0, 3)"


_NODE_STATUS = (
    "CASE WHEN n.deleting_ms IS NOT NULL THEN 'Terminating' WHEN n.machine = 'Failed' THEN 'Failed' "
    "WHEN n.machine = 'Restarting' THEN 'Restarting' "
    "WHEN n.ready = 'Unknown' AND n.ready_reason = 'NeverHeard' THEN 'Pending' "
    "WHEN n.ready = 'True' THEN 'Ready' ELSE 'NotReady' END"
)
_POD_STATUS = "CASE WHEN p.deleting_ms IS NOT NULL THEN 'Terminating' ELSE p.phase END"


def definitions(dialect: str) -> dict[str, str]:
    """Each view's SELECT for one dialect, in an order in which they can be created."""

    def moment(column: str) -> str:
        return _moment(dialect, column)

    return {
        "v_nodes": (
            f"SELECT n.name, {_NODE_STATUS} AS status, ROUND(n.cpu_millis / 1000.0, 3) AS cpus, "
            "ROUND(u.cpu_millis / 1000.0, 3) AS cpus_used, "
            "ROUND((n.cpu_millis - u.cpu_millis) / 1000.0, 3) AS cpus_free, "
            "n.memory_bytes, u.memory_bytes AS memory_bytes_used, n.pods_max, u.pods, n.unschedulable, n.provider, "
            f"n.restarts, n.restart_attempts, {moment('n.restart_at_ms')} AS restart_at, "
            f"{_seconds('c.time_ms - h.received_ms')} AS heartbeat_age_seconds, "
            f"{moment('n.ready_since_ms')} AS status_since, {moment('n.created_ms')} AS created, n.labels, n.taints, "
            "n.uid, n.revision FROM nodes n CROSS JOIN cluster c LEFT JOIN node_use u ON u.node_name = n.name "
            "LEFT JOIN heartbeats h ON h.node_uid = n.uid"
        ),
        "v_pods": (
            f"SELECT p.namespace, p.name, {_POD_STATUS} AS status, p.node_name AS node, "
            "ROUND(p.cpu_millis / 1000.0, 3) AS cpus, p.memory_bytes, p.priority, p.reason, p.message, p.exit_code, "
            "p.restarts, "
            f"{_seconds('c.time_ms - p.created_ms')} AS age_seconds, {moment('p.created_ms')} AS created, "
            f"{moment('p.bound_ms')} AS bound, {moment('p.started_ms')} AS started, "
            f"{moment('p.finished_ms')} AS finished, p.deletion_cause, p.on_node_failure, p.labels, p.uid, p.revision "
            "FROM pods p CROSS JOIN cluster c"
        ),
        "v_decisions": (
            "SELECT COALESCE(p.namespace, l.namespace) AS namespace, COALESCE(p.name, l.name) AS name, d.outcome, "
            "d.node_name AS node, d.message, d.nodes_evaluated, d.reasons, d.best, d.count, "
            f"{moment('d.first_ms')} AS first, {moment('d.last_ms')} AS last, d.last_ms, d.pod_uid "
            "FROM decisions d LEFT JOIN pods p ON p.uid = d.pod_uid LEFT JOIN placements l ON l.pod_uid = d.pod_uid"
        ),
        "v_pending": (
            "SELECT p.namespace, p.name, ROUND(p.cpu_millis / 1000.0, 3) AS cpus, p.memory_bytes, p.priority, "
            f"{_seconds('c.time_ms - p.created_ms')} AS waiting_seconds, d.message, d.nodes_evaluated, d.reasons, "
            f"d.count AS tries, {moment('d.last_ms')} AS last_tried, p.uid FROM pods p CROSS JOIN cluster c "
            "LEFT JOIN decisions d ON d.pod_uid = p.uid AND d.fingerprint = (SELECT e.fingerprint FROM decisions e "
            "WHERE e.pod_uid = p.uid AND e.outcome = 'Unschedulable' ORDER BY e.last_ms DESC, e.fingerprint LIMIT 1) "
            "WHERE p.node_name IS NULL AND p.deleting_ms IS NULL"
        ),
        "v_capacity": (
            "SELECT n.provider, COUNT(*) AS nodes, SUM(CASE WHEN n.ready = 'True' THEN 1 ELSE 0 END) AS nodes_ready, "
            "ROUND(SUM(n.cpu_millis) / 1000.0, 3) AS cpus, ROUND(SUM(u.cpu_millis) / 1000.0, 3) AS cpus_used, "
            "SUM(n.memory_bytes) AS memory_bytes, SUM(u.memory_bytes) AS memory_bytes_used, "
            "SUM(n.pods_max) AS pods_max, SUM(u.pods) AS pods "
            "FROM nodes n LEFT JOIN node_use u ON u.node_name = n.name GROUP BY n.provider"
        ),
        "v_placements": (
            f"SELECT l.namespace, l.name, l.node_name AS node, {moment('l.bound_ms')} AS bound, "
            f"{moment('l.ended_ms')} AS ended, l.why_ended, "
            f"{_seconds('COALESCE(l.ended_ms, c.time_ms) - l.bound_ms')} AS seconds, l.bound_ms, l.ended_ms, l.pod_uid "
            "FROM placements l CROSS JOIN cluster c"
        ),
        "v_events": (
            f"SELECT {moment('e.last_ms')} AS last_seen, e.type, e.reason, e.involved_kind AS kind, "
            "e.involved_name AS name, e.message, e.count, e.source, e.last_ms, e.created_ms AS first_ms, "
            "e.namespace, e.involved_uid AS object_uid FROM events e UNION ALL "
            f"SELECT {moment('d.last_ms')}, CASE WHEN d.outcome = 'Scheduled' THEN 'Normal' ELSE 'Warning' END, "
            "CASE WHEN d.outcome = 'Scheduled' THEN 'Scheduled' ELSE 'FailedScheduling' END, 'Pod', "
            "COALESCE(p.name, l.name), COALESCE(d.message, 'Successfully assigned ' "
            "|| COALESCE(p.namespace, l.namespace) || '/' || COALESCE(p.name, l.name) || ' to ' || d.node_name), "
            "d.count, "
            "'scheduler', d.last_ms, d.first_ms, COALESCE(p.namespace, l.namespace), d.pod_uid "
            "FROM decisions d LEFT JOIN pods p ON p.uid = d.pod_uid LEFT JOIN placements l ON l.pod_uid = d.pod_uid"
        ),
        "v_evictions": (
            f"SELECT p.namespace, p.name, v.node_name AS node, v.cause, {moment('v.due_ms')} AS due, "
            f"{_seconds('v.due_ms - c.time_ms')} AS seconds_left, v.pod_uid FROM evictions v CROSS JOIN cluster c "
            "JOIN pods p ON p.uid = v.pod_uid"
        ),
        "v_controllers": (
            "SELECT l.name, l.holder, l.epoch, l.passes, l.pass_ms, "
            "c.revision - NULLIF(l.revision_seen, 0) AS lag_revisions, "
            f"l.errors, l.last_error, {moment('l.last_error_ms')} AS last_error_at, "
            f"{moment('l.acquired_ms')} AS leading_since FROM leaderships l CROSS JOIN cluster c"
        ),
        "v_changes": (
            f"SELECT h.revision, {moment('h.time_ms')} AS at, h.writer, h.type, h.resource, h.namespace, h.name, "
            "h.uid, h.object, h.time_ms FROM changes h"
        ),
        "v_usage": (
            "SELECT 'Node' AS kind, '' AS namespace, n.name, n.name AS node, "
            "ROUND(u.cpu_millis / 1000.0, 3) AS cpus, u.memory_bytes, "
            "ROUND(n.cpu_millis / 1000.0, 3) AS cpus_allotted, n.memory_bytes AS memory_bytes_allotted, "
            f"{_seconds('c.time_ms - u.measured_ms')} AS age_seconds, n.uid "
            "FROM node_usage u JOIN nodes n ON n.uid = u.node_uid CROSS JOIN cluster c UNION ALL "
            "SELECT 'Pod', p.namespace, p.name, p.node_name, ROUND(u.cpu_millis / 1000.0, 3), u.memory_bytes, "
            "ROUND(p.cpu_millis / 1000.0, 3), p.memory_bytes, "
            f"{_seconds('c.time_ms - u.measured_ms')}, p.uid "
            "FROM pod_usage u JOIN pods p ON p.uid = u.pod_uid CROSS JOIN cluster c WHERE p.phase = 'Running'"
        ),
        "v_agents": (
            f"SELECT n.name AS node, n.provider, a.address, {moment('a.registered_ms')} AS registered, "
            f"{_seconds('c.time_ms - h.received_ms')} AS heartbeat_age_seconds, "
            f"{_seconds('h.granted_until_ms - c.time_ms')} AS grant_seconds_left, a.agent_version, a.engine_version, "
            "a.runtime, a.os_image, a.kernel, a.architecture, a.machine_id, a.boot_id, a.session, a.node_uid "
            "FROM agents a JOIN nodes n ON n.uid = a.node_uid CROSS JOIN cluster c "
            "LEFT JOIN heartbeats h ON h.node_uid = a.node_uid"
        ),
        "v_tokens": (
            f"SELECT t.id, t.purpose, n.name AS node, {moment('t.created_ms')} AS created, "
            f"{moment('t.expires_ms')} AS expires, {_seconds('t.expires_ms - c.time_ms')} AS seconds_left "
            "FROM tokens t CROSS JOIN cluster c LEFT JOIN nodes n ON n.uid = t.subject"
        ),
        "v_faults": (
            f"SELECT n.name AS node, f.kind, f.restart, {moment('f.since_ms')} AS since FROM faults f "
            "JOIN nodes n ON n.uid = f.node_uid"
        ),
    }


def drop(connection: Connection) -> None:
    """Drop all views of ours, so that a migration may change the tables below them."""
    for name in inspect(connection).get_view_names():
        if name.startswith("v_"):
            connection.execute(text(f"DROP VIEW {name}"))


def recreate(connection: Connection) -> None:
    """Drop all views of ours and create those of this program, in the caller's transaction."""
    drop(connection)
    for name, select in definitions(connection.dialect.name).items():
        # The driver would take the colons of a time's format for parameters if this went through `text`.
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")
