"""Adding a pod does not become slower with the number of pods there are."""

from pathlib import Path

from kuberklone.store import pods, schema
from kuberklone.store.numbering import Numbering
from tests.api.running import running


def test_taken_names_are_looked_up_by_the_key(migrated_file: Path, tmp_path: Path) -> None:
    statements = (
        pods._TAKEN.text("sqlite"),
        Numbering(schema.pods, "pod", namespace="default")._taken.text("sqlite"),
        Numbering(schema.nodes, "node")._taken.text("sqlite"),
    )
    with running(f"sqlite:///{migrated_file}", tmp_path) as api, api.store.snapshot() as connection:
        for statement in statements:
            question = f"EXPLAIN QUERY PLAN {statement}".replace(":rows", "'[]'")
            steps = [row.detail for row in connection.exec_driver_sql(question)]
            assert any("SEARCH" in step and "name=?" in step for step in steps), steps
            assert not any(step.startswith(("SCAN p", "SCAN t")) for step in steps), steps
