-- Every place each pod has had, and why it left: kuberklone sql - < examples/where_pods_have_been.sql
SELECT name, node, bound, ended, why_ended, seconds
FROM v_placements
ORDER BY name, bound_ms
