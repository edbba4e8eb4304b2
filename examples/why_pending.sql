-- Which pods wait, since when, and what each node lacks: kuberklone sql - < examples/why_pending.sql
SELECT name, cpus, priority, waiting_seconds, nodes_evaluated, reasons
FROM v_pending
ORDER BY priority DESC, waiting_seconds DESC
