-- How much room is left, by node, the fullest first: kuberklone sql - < examples/room_left.sql
SELECT name, status, cpus_used, cpus, pods, pods_max
FROM v_nodes
ORDER BY cpus_free, name
