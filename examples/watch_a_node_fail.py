"""Fail a node and watch its pods move: `python examples/watch_a_node_fail.py`, beside `kuberklone up --demo`."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

# With the default times (without --demo) a dead node is noticed after 40 s and its pods move 5 s later.
PATIENCE_S = 120


def main() -> None:
    with cluster() as http:
        pod = http.post("/add_pod", json={"cpus": 1}).json()["name"]
        home = wait_for(http, pod, status="Running")
        print(f"{pod} runs on {home}")

        answer = http.post("/fail_node", json={"name": home, "kind": "crash"}).json()
        print(f"{home} crashed; the cluster expects to move its pods by {answer['pods_move_by']}")

        refuge = wait_for(http, pod, status="Running", away_from=home)
        print(f"{pod} now runs on {refuge}")


@contextmanager
def cluster() -> Iterator[httpx.Client]:
    url = os.environ.get("KUBERKLONE_URL", "http://127.0.0.1:8080")
    with httpx.Client(base_url=url, event_hooks={"response": [httpx.Response.raise_for_status]}) as http:
        yield http


def wait_for(http: httpx.Client, name: str, *, status: str, away_from: str | None = None) -> str:
    """The node on which the pod has that status."""
    for _ in range(PATIENCE_S * 2):
        # A pod that moves is a new pod of the same name; between the two there may be none.
        for pod in http.get("/pods").json()["items"]:
            if pod["name"] == name and pod["status"] == status and pod["node"] not in (None, away_from):
                return str(pod["node"])
        time.sleep(0.5)
    raise SystemExit(f"{name} did not get there within {PATIENCE_S} s; `kuberklone status` says what is wrong")


if __name__ == "__main__":
    main()
