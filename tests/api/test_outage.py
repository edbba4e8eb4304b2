"""The API lives on while its database is away or cannot keep up, and says so."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url

from kuberklone.store import migrate, writer
from kuberklone.store.transaction import write
from tests import postgres_server
from tests.api.running import Api, running
from tests.waiting import until


def test_while_the_database_is_away_the_api_says_so_and_then_goes_on(
    postgres_url: str, postgres: postgres_server.Connection, tmp_path: Path
) -> None:
    migrate.upgrade(postgres_url)
    name = make_url(postgres_url).database
    with running(postgres_url, tmp_path) as api, postgres.connect() as administrator:
        api.post("/add_pod", {"cpus": 1})
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for answer in (
            api.http.get("/nodes"),
            api.http.post("/add_pod", json={"cpus": 1}),
            api.http.post("/add_node", json={"cpus": 1}),
            api.http.get("/readyz"),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        assert api.http.get("/livez").status_code == 200
        assert "kuberklone_store_up 0.0" in api.http.get("/metrics").text
        assert "cannot be reached" in api.http.get("/", headers={"accept": "text/html"}).text

        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        until(lambda: api.http.get("/readyz").status_code == 200, within_s=5, what="the API finds its database again")
        until(
            lambda: api.http.post("/add_pod", json={"cpus": 1}).status_code == 201,
            within_s=5,
            what="the API writes again",
        )


def test_when_too_many_wait_to_be_written_the_next_is_told_to_come_back(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "QUEUE_MAX", 3)
    with running(migrated_url, tmp_path) as api, ThreadPoolExecutor(16) as clients:
        # The test's own transaction holds the order of writes, so nobody else gets on.
        with write(api.store):
            asked = [clients.submit(api.http.post, "/add_pod", json={"cpus": 1}) for _ in range(16)]
            refused = until(
                lambda: [each for each in asked if each.done()], within_s=10, what="somebody finds the queue full"
            )
            assert {each.result().status_code for each in refused} == {503}
            assert {each.result().headers["retry-after"] for each in refused} == {"1"}
        answers = [each.result() for each in asked]
        made = [answer.json()["name"] for answer in answers if answer.status_code == 201]
        assert {answer.status_code for answer in answers} == {201, 503}
        assert sorted(pod["name"] for pod in api.get("/pods")["items"]) == sorted(made)


def test_the_writer_outlives_what_the_database_cannot_do(api: Api) -> None:
    with write(api.store) as transaction:
        transaction.connection.exec_driver_sql("ALTER TABLE pods RENAME TO pods_hidden")
    assert api.http.post("/add_pod", json={"cpus": 1}).status_code == 503
    assert api.http.get("/livez").status_code == 200
    with write(api.store) as transaction:
        transaction.connection.exec_driver_sql("ALTER TABLE pods_hidden RENAME TO pods")
    assert api.http.post("/add_pod", json={"cpus": 1}).status_code == 201
