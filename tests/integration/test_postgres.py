"""Databases on a real PostgreSQL server: what is seen of each fault, backups that are proven, fixes and their undoing."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psycopg
import pytest

from analysis.signatures import symptoms
from config.model import Database, HttpPlatform, PostgresProbe, Service
from platforms.platform import PlatformError, Task
from platforms.postgres.databases import PostgresDatabases
from platforms.postgres.link import connected
from platforms.postgres.probe import ask
from tests.fixtures.shop_database import PASSWORD, PostgresServer, programs, running_server

if programs() is None and not os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES"):
    pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)", allow_module_level=True)

ASK = PostgresProbe(query="SELECT sum(price) FROM orders", timeout_s=5)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as running:
        yield running


class Bench:
    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server = server
        self.wall_s = 1_700_000_000.0
        self.environ = {"SHOP_URL": server.url(user="shop"), "SHOP_ADMIN_URL": server.url()}
        database = Database(url_env="SHOP_URL", admin_url_env="SHOP_ADMIN_URL", keep=3, idle_s=0.2)
        self.service = Service(name="shop", platform=HttpPlatform(url="http://x/"), database=database)
        self.state = folder
        self.hands = PostgresDatabases(folder, self._wall, self.environ)

    def _wall(self) -> float:
        self.wall_s += 1
        return self.wall_s

    async def probe(self, query: str = ASK.query) -> tuple[str, str]:
        return await ask(self.service, PostgresProbe(query=query, timeout_s=5), self.environ)

    def task(self, mark: str = "act1") -> Task:
        return Task(service=self.service, mark=mark)

    def databases(self) -> set[str]:
        return {row[0] for row in self.server.do("SELECT datname FROM pg_database", database="postgres")}

    def dumps(self) -> list[Path]:
        return sorted(self.state.rglob("*.dump"))


@pytest.fixture
def bench(server: PostgresServer, tmp_path: Path) -> Iterator[Bench]:
    server.do(
        "DROP ROLE IF EXISTS shop", f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE shop",
        database="postgres",
    )  # fmt: skip
    server.do(
        "CREATE TABLE orders (id serial PRIMARY KEY, price numeric)",
        "INSERT INTO orders (price) SELECT n FROM generate_series(1, 100) n",
        "GRANT SELECT, INSERT ON orders TO shop",
        "GRANT USAGE ON SEQUENCE orders_id_seq TO shop",
    )
    bench = Bench(server, tmp_path)
    yield bench
    for name in bench.databases():
        if name.startswith(("shop", "nightwarden")):
            server.do(f'DROP DATABASE "{name}" WITH (FORCE)', database="postgres")


def cause_in(reason: str) -> str:
    """What root-cause analysis reads in it."""
    return next((reading.cause for reading in symptoms(reason)), "")


async def test_a_probe_takes_back_what_it_writes(bench: Bench) -> None:
    assert await bench.probe() == ("", "")
    assert await bench.probe("INSERT INTO orders (price) VALUES (1)") == ("", "")
    assert bench.server.do("SELECT count(*) FROM orders") == [(100,)]


async def test_a_backup_is_proven_and_leaves_no_scratch_database(bench: Bench) -> None:
    proof = await bench.hands.back_up(bench.service)
    assert (proof.problem, proof.rows) == ("", 100)
    assert proof.size_bytes == bench.dumps()[0].stat().st_size
    assert bench.databases() == {"postgres", "template0", "template1", "shop"}


async def test_the_newest_proven_backups_are_kept(bench: Bench) -> None:
    names = [(await bench.hands.back_up(bench.service)).backup for _ in range(5)]
    assert [path.stem for path in bench.dumps()] == names[2:]


async def test_a_dump_that_lost_rows_is_told_and_not_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (await bench.hands.back_up(bench.service)).backup
    whole = "platforms.postgres.dumps.count_rows"
    from platforms.postgres.dumps import count_rows

    async def lossy(link: "psycopg.AsyncConnection[tuple[object, ...]]") -> dict[str, int]:
        counts = await count_rows(link)
        scratch = link.info.dbname.startswith("nightwarden_scratch")
        return {table: rows - scratch for table, rows in counts.items()}

    monkeypatch.setattr(whole, lossy)
    proof = await bench.hands.back_up(bench.service)
    assert proof.problem == "the restored database has 99 of 100 rows of public.orders"
    assert [path.stem for path in bench.dumps()] == [good]


async def test_a_lost_table_is_restored_and_the_damaged_database_kept_and_can_come_back(bench: Bench) -> None:
    await bench.hands.back_up(bench.service)
    bench.server.do("DROP TABLE orders", "CREATE TABLE left_over ()")
    symptom, reason = await bench.probe()
    assert (symptom, cause_in(reason)) == ("error", "state_corruption")
    done = await bench.hands.carry_out("restore_database", bench.task())
    assert await bench.probe() == ("", "")
    assert await bench.probe("INSERT INTO orders (price) VALUES (1)") == ("", "")
    assert bench.server.do("SELECT to_regclass('left_over')", database=done.undo_data) != [(None,)]
    again = await bench.hands.done_since("restore_database", bench.task())
    assert again is not None
    assert again.undo_data == done.undo_data
    assert await bench.hands.done_since("restore_database", bench.task("act2")) is None
    await bench.hands.take_back("restore_database", done.undo_data, bench.task("undo"))
    assert bench.server.do("SELECT to_regclass('left_over')") != [(None,)]
    assert any(name.startswith("shop_undone_") for name in bench.databases())


async def test_a_restore_ends_the_sessions_that_hold_the_damaged_database(bench: Bench) -> None:
    await bench.hands.back_up(bench.service)
    with closing(psycopg.connect(bench.server.url(user="shop"))) as link:
        link.execute("SELECT 1")
        await bench.hands.carry_out("restore_database", bench.task())
        with pytest.raises(psycopg.OperationalError):
            link.execute("SELECT 1")
    assert await bench.probe() == ("", "")


async def test_without_a_proven_backup_nothing_is_touched(bench: Bench) -> None:
    await bench.hands.back_up(bench.service)
    [dump] = bench.dumps()
    dump.write_bytes(dump.read_bytes()[:-100])
    before = bench.databases()
    with pytest.raises(PlatformError, match="no proven backup"):
        await bench.hands.carry_out("restore_database", bench.task())
    assert bench.databases() == before


async def test_exhausted_connections_are_seen_and_idle_ones_ended(bench: Bench) -> None:
    with ExitStack() as leak:
        with pytest.raises(psycopg.OperationalError):
            for _ in range(20):
                leak.enter_context(closing(psycopg.connect(bench.server.url(user="shop")))).execute(
                    "SELECT 1"
                )
        symptom, reason = await bench.probe()
        assert (symptom, cause_in(reason)) == ("error", "connection_exhaustion")
        bench.server.do("SELECT pg_sleep(0.3)")
        done = await bench.hands.carry_out("end_idle_sessions", bench.task())
        assert done.detail == "ended 5 sessions that were idle for 0.2 s and longer"
        assert await bench.probe() == ("", "")


async def test_busy_and_young_sessions_are_spared(bench: Bench) -> None:
    with closing(psycopg.connect(bench.server.url(user="shop"))) as young:
        young.execute("SELECT 1")
        with pytest.raises(PlatformError, match="no session"):
            await bench.hands.carry_out("end_idle_sessions", bench.task())
        young.execute("SELECT 1")


@pytest.mark.parametrize(
    "harm", ["REVOKE SELECT ON orders FROM shop", "ALTER ROLE shop NOLOGIN", "REVOKE ALL ON orders FROM shop"]
)
async def test_what_was_revoked_is_granted_again_and_can_be_taken_back(bench: Bench, harm: str) -> None:
    await bench.hands.back_up(bench.service)
    bench.server.do(harm)
    symptom, reason = await bench.probe()
    assert (symptom, cause_in(reason)) == ("error", "config_error")
    done = await bench.hands.carry_out("grant_roles", bench.task())
    assert "shop" in done.detail
    assert await bench.probe() == ("", "")
    await bench.hands.take_back("grant_roles", done.undo_data, bench.task())
    assert (await bench.probe())[0] == "error"
    bench.server.do("ALTER ROLE shop LOGIN")


async def test_with_every_grant_in_place_nothing_is_granted(bench: Bench) -> None:
    await bench.hands.back_up(bench.service)
    with pytest.raises(PlatformError, match="every role"):
        await bench.hands.carry_out("grant_roles", bench.task())


async def test_a_killed_server_is_refused_and_whole_after_its_restart(bench: Bench) -> None:
    bench.server.kill()
    assert (await bench.probe())[0] == "refused"
    with pytest.raises(PlatformError):
        await bench.hands.back_up(bench.service)
    bench.server.start()
    assert await bench.probe() == ("", "")


async def test_no_message_shows_the_password(bench: Bench) -> None:
    for broken in (
        bench.server.url("nowhere"),
        bench.server.url(user="nobody"),
        f"postgresql://{PASSWORD}@[",
    ):
        with pytest.raises(PlatformError) as told:
            async with connected(broken):
                pass
        assert PASSWORD not in str(told.value)
    bench.environ.pop("SHOP_ADMIN_URL")
    with pytest.raises(PlatformError, match="SHOP_ADMIN_URL is not set"):
        await bench.hands.back_up(bench.service)


def test_a_full_disk_is_told_by_a_probe_that_writes(bench: Bench) -> None:
    """A tablespace on a tiny file system of its own; where none may be mounted there is nothing to fill."""
    room = bench.server.folder / "room"
    room.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0777", "none", room], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.decode().strip()}")
    try:
        place = room / "space"
        place.mkdir(mode=0o700)
        shutil.chown(place, "postgres")
        bench.server.do(f"CREATE TABLESPACE tiny LOCATION '{place}'")
        bench.server.do("CREATE TABLE log (line text) TABLESPACE tiny", "GRANT INSERT ON log TO shop")
        line = "INSERT INTO log SELECT repeat('x', 500) FROM generate_series(1, 20)"
        assert asyncio.run(bench.probe(line)) == ("", "")
        with pytest.raises(psycopg.errors.DiskFull):
            bench.server.do(line.replace("20)", "100000)"))
        bench.server.do("ALTER TABLE log SET (autovacuum_enabled = false)")
        with suppress(psycopg.errors.DiskFull):
            for _ in range(500):
                bench.server.do(line)
        symptom, reason = asyncio.run(bench.probe(line.replace("20)", "5000)")))
        assert (symptom, cause_in(reason)) == ("error", "disk_full")
    finally:
        bench.server.do("DROP TABLE IF EXISTS log")
        bench.server.do("DROP TABLESPACE IF EXISTS tiny")
        subprocess.run(["umount", room], check=True)
