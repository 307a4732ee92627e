"""The lease in a real PostgreSQL: one holder, by the server's clock, over restarts of the server; two real daemons."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.secret import Secret
from platforms.lease_postgres import PostgresLease
from tests.fixtures.postgres_server import PostgresServer, postgres_server
from tests.fixtures.real_daemon import RealDaemon, until


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


def store(server: PostgresServer, name: str) -> PostgresLease:
    return PostgresLease(Secret(server.url), name)


async def test_one_holds_it_until_its_time_is_over_and_tokens_rise(server: PostgresServer) -> None:
    a, b = store(server, "one"), store(server, "one")
    first = await a.take("a", 1.0)
    assert first is not None
    assert await b.take("b", 1.0) is None
    assert await a.renew("a", first, 1.0)
    await asyncio.sleep(1.1)
    second = await b.take("b", 5.0)
    assert second is not None
    assert second > first
    assert not await a.renew("a", first, 1.0), "what ran out and was taken cannot be renewed"
    await b.release("b", second)
    assert await a.take("a", 1.0) is not None
    await a.close()
    await b.close()


async def test_of_many_who_ask_at_once_one_gets_it(server: PostgresServer) -> None:
    stores = [store(server, "many") for _ in range(8)]
    tokens = await asyncio.gather(*(each.take(f"d{n}", 30.0) for n, each in enumerate(stores)))
    assert sum(token is not None for token in tokens) == 1
    for each in stores:
        await each.close()


async def test_a_server_that_is_gone_is_told_without_its_address_and_found_again(
    server: PostgresServer,
) -> None:
    held = store(server, "gone")
    token = await held.take("a", 30.0)
    assert token is not None
    await asyncio.to_thread(server.stop)
    with pytest.raises(OSError) as caught:
        await held.renew("a", token, 30.0)
    assert str(server.port) not in str(caught.value)
    await asyncio.to_thread(server.start)
    assert await held.renew("a", token, 30.0)
    await held.close()


def test_of_two_daemons_one_acts_and_the_other_takes_over_when_it_stops(
    server: PostgresServer, tmp_path: Path
) -> None:
    shared = {"NIGHTWARDEN_DATABASE_URL": server.url}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = RealDaemon(tmp_path / "first", "shop", env=shared)
    second = RealDaemon(tmp_path / "second", "shop", env=shared)
    try:
        first.start()
        until("the first one acts", lambda: "is the one that acts" in first.said())
        second.start()
        until("the second one's turn has not come", second.is_ready)
        assert "is the one that acts" not in second.said()
        first.stop()
        until("the second one acts", lambda: "is the one that acts" in second.said(), 20.0)
    finally:
        first.end()
        second.end()


@pytest.mark.soak
def test_two_daemons_never_both_run_the_children_but_while_one_of_them_is_frozen(
    server: PostgresServer, tmp_path: Path
) -> None:
    shared = {"NIGHTWARDEN_DATABASE_URL": server.url}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = RealDaemon(tmp_path / "first", "shop", env=shared)
    second = RealDaemon(tmp_path / "second", "shop", env=shared)
    try:
        first.start()
        until("the first one's child runs", lambda: "shop" in first.leaders())
        second.start()
        until("the second one stands by", lambda: "does not act" in second.said())
        time.sleep(2.0)
        assert second.leaders() == {}
        assert first.process is not None
        first.process.send_signal(signal.SIGSTOP)
        until("the second one takes over", lambda: "shop" in second.leaders(), 30.0)
        first.process.send_signal(signal.SIGCONT)
        until("the first one stops its child", lambda: first.leaders() == {}, 15.0)
        assert "shop" in second.leaders()
        assert second.stop() == 0
        until("the first one's turn again", lambda: "shop" in first.leaders(), 20.0)
        assert second.leaders() == {}
    finally:
        if first.process is not None:
            first.process.send_signal(signal.SIGCONT)
        first.end()
        second.end()
