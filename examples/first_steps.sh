#!/usr/bin/env bash
# The first five minutes with a cluster, over plain HTTP: bash examples/first_steps.sh
# Start one first: make up
set -euo pipefail
url=${KUBERKLONE_URL:-http://127.0.0.1:8080}

# curl --fail-with-body: a refused request ends the script, and its problem document says what to send instead.
post() { curl --silent --show-error --fail-with-body -H 'Content-Type: application/json' -d "$2" "$url$1"; echo; }

echo "A node with 16 cpus, and three pods of 2 cpus each:"
post /add_node '{"cpus": 16, "name": "big"}'
post /add_pod '{"cpus": 2, "count": 3, "name": "web"}'

echo "A pod that fits nowhere stays Pending; the cluster says why:"
post /add_pod '{"cpus": 1000, "name": "greedy"}'

echo "All nodes and pods:"
curl --silent --show-error --fail-with-body "$url/nodes"; echo
curl --silent --show-error --fail-with-body "$url/pods"; echo
