"""The whole daemon and a real PostgreSQL server: each fault of it healed, with a person's word where that is needed."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fixtures.real_daemon import TOKEN, WINDOWS, RealDaemon, until
from tests.fixtures.shop_database import PASSWORD, PostgresServer, programs, running_server

if programs() is None and not os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES"):
    pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)", allow_module_level=True)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as running:
        running.do(
            f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE shop", database="postgres"
        )
        running.do(
            "CREATE TABLE orders (price int)", "INSERT INTO orders SELECT generate_series(1, 50)",
            "GRANT SELECT ON orders TO shop",
        )  # fmt: skip
        yield running


@pytest.fixture(scope="module")
def daemon(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    env = {"SHOP_URL": server.url(user="shop"), "SHOP_ADMIN_URL": server.url()}
    daemon = RealDaemon(tmp_path_factory.mktemp("databases"), env=env)
    script = daemon.folder / "start"
    script.write_text(f"#!/bin/sh\nexec {' '.join(server.start_command())} >/dev/null 2>&1 &\n")
    script.chmod(0o755)
    people = {"approvers": [{"name": "ann"}, {"name": "bob"}]}
    daemon.config.write_text(
        json.dumps({"services": [declared(server, script)], "windows": WINDOWS, "approvals": people})
    )
    daemon.start()
    try:
        until("it is healthy", daemon.all_healthy)
        until("its backup is proven", lambda: proofs(daemon) == [("database", True, 50)], 30)
        yield daemon
    finally:
        daemon.end()


def declared(server: PostgresServer, script: Path) -> dict[str, Any]:
    return {
        "name": "shop",
        "autonomy": "auto",
        "start_timeout_s": 3,
        "platform": {
            "type": "exec",
            "start": [str(script)],
            "stop": ["true"],
            "status": ["bash", "-c", f"echo > /dev/tcp/127.0.0.1/{server.port}"],
            "interval_s": 0.5,
        },
        "probe": {
            "type": "postgres",
            "query": "SELECT sum(price) FROM orders",
            "interval_s": 0.5,
            "timeout_s": 0.5,
        },
        "database": {
            "type": "postgres",
            "url_env": "SHOP_URL",
            "admin_url_env": "SHOP_ADMIN_URL",
            "idle_s": 1,
        },
    }


def proofs(daemon: RealDaemon) -> list[tuple[str, bool, int]]:
    [shop] = daemon.items("/observability/services")
    return [(one["target"], one["ok"], one["rows"]) for one in shop["backups"]]


def healed(daemon: RealDaemon, before: set[str], cause: str, fix: str) -> dict[str, Any] | None:
    """The incident that came after those, once it is closed."""
    for incident in daemon.incidents():
        fixes = [act["fix"] for act in incident["acts"] if act["outcome"] in {"done", "verified", "healed"}]
        if incident["id"] not in before and incident["status"] == "closed":
            assert (incident["cause"]["name"], fix in fixes) == (cause, True), json.dumps(incident, indent=1)
            return incident
    return None


def known(daemon: RealDaemon) -> set[str]:
    return {incident["id"] for incident in daemon.incidents()}


def agree(daemon: RealDaemon, before: set[str]) -> bool:
    """Two persons: one at the command line, one by the API."""
    for incident in daemon.incidents():
        if incident["id"] not in before and daemon.command("approve", incident["id"]).returncode == 0:
            status, said = daemon.request(f"/api/incidents/{incident['id']}/approve", "POST", TOKEN)
            return status == 200 and "grant_role" in said
    return False


def test_exhausted_connections_are_healed_by_ending_the_idle_ones(
    server: PostgresServer, daemon: RealDaemon
) -> None:
    before = known(daemon)
    with ExitStack() as leak:
        with suppress(psycopg.OperationalError):
            for _ in range(20):
                leak.enter_context(closing(psycopg.connect(server.url(user="shop")))).execute("SELECT 1")
        until(
            "the leak is healed",
            lambda: healed(daemon, before, "connection_exhaustion", "end_idle_connections"),
            40,
        )


def test_a_killed_server_is_started_again(server: PostgresServer, daemon: RealDaemon) -> None:
    before = known(daemon)
    server.kill()
    until(
        "the server is healed",
        lambda: [i for i in daemon.incidents() if i["id"] not in before and i["status"] == "closed"],
        60,
    )
    assert server.do("SELECT count(*) FROM orders") == [(50,)]


def test_a_revoked_right_waits_for_a_person_and_is_given_back(
    server: PostgresServer, daemon: RealDaemon
) -> None:
    before = known(daemon)
    server.do("REVOKE SELECT ON orders FROM shop")
    until("a person agreed", lambda: agree(daemon, before), 40, 0.5)
    until("it is healed", lambda: healed(daemon, before, "config_error", "grant_role"), 30)


def test_the_password_stands_in_nothing_that_the_daemon_wrote(daemon: RealDaemon) -> None:
    texts = [path for path in daemon.folder.rglob("*") if path.is_file() and path.suffix != ".dump"]
    assert len(texts) > 5
    assert [path for path in texts if PASSWORD.encode() in path.read_bytes()] == []
