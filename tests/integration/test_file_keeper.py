"""Declared files on a real disk: looks, backups, restores, caches."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.model import ProcessPlatform, Service, WatchedFile
from platforms.files import FileKeeper
from platforms.platform import PlatformError, Proof

JSON = WatchedFile(path="data/shop.json", check="json")
DATABASE = WatchedFile(path="data/queue.db", check="sqlite")


class Bench:
    """A service's folder, a keeper, and a wall clock that we set."""

    def __init__(self, folder: Path) -> None:
        self.cwd = folder / "app"
        self.data = self.cwd / "data"
        self.data.mkdir(parents=True)
        self.service = Service(name="shop", platform=ProcessPlatform(command=("x",), cwd=str(self.cwd)))
        self.wall_s = 1_700_000_000.0
        self.keeper = FileKeeper(folder / "state", wall=lambda: self.wall_s)
        self.shop = self.data / "shop.json"
        self.database = self.data / "queue.db"

    async def check(self, file: WatchedFile = JSON) -> str:
        return await self.keeper.check(self.service, file)

    async def backup(self, file: WatchedFile = JSON) -> str:
        self.wall_s += 1
        return await self.keeper.backup(self.service, file)

    def fill_database(self, rows: int, journal: str = "DELETE") -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(f"PRAGMA journal_mode={journal}")
            connection.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, what TEXT)")
            connection.executemany("INSERT INTO jobs (what) VALUES (?)", [("x" * 200,)] * rows)

    def rows(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("content", ['{"a": [1, 2]}', "[]", "3", '{"a": NaN}', ' {"ä": "ö"}\n'])
async def test_a_whole_document_is_well(bench: Bench, content: str) -> None:
    bench.shop.write_text(content)
    assert await bench.check() == ""


@pytest.mark.parametrize(
    "content", [b'{"a": [1, 2', b"", b" \n", b"{} {}", b'{"a": "\xff"}', b"\0" * 10, b"{'a': 1}"]
)
async def test_a_document_that_is_cut_or_scrambled_has_a_problem(bench: Bench, content: bytes) -> None:
    bench.shop.write_bytes(content)
    assert "shop.json" in await bench.check()


async def test_a_missing_file_has_a_problem(bench: Bench) -> None:
    assert "does not exist" in await bench.check()
    assert "does not exist" in await bench.check(WatchedFile(path="gone", check="exists"))


async def test_every_cut_of_a_document_is_noticed(bench: Bench) -> None:
    whole = json.dumps({"orders": [{"id": n, "price": 1.5} for n in range(5)]}).encode()
    for length in range(0, len(whole), 7):
        bench.shop.write_bytes(whole[:length])
        assert await bench.check() != "", length


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
async def test_a_database_is_well_until_it_is_scrambled(bench: Bench, journal: str) -> None:
    bench.fill_database(500, journal)
    assert await bench.check(DATABASE) == ""
    data = bytearray(bench.database.read_bytes())
    data[4096:12288] = os.urandom(8192)
    bench.database.write_bytes(data)
    assert "queue.db" in await bench.check(DATABASE)
    bench.database.write_bytes(b"garbage" * 1000)
    assert "header" in await bench.check(DATABASE)


async def test_a_database_that_is_being_written_is_well(bench: Bench) -> None:
    bench.fill_database(10)
    with closing(sqlite3.connect(bench.database)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO jobs (what) VALUES ('y')")
        assert await bench.check(DATABASE) == ""
        assert await bench.backup(DATABASE) != ""


async def test_a_backup_is_kept_only_when_the_file_changed(bench: Bench) -> None:
    bench.shop.write_text('{"n": 1}')
    first = await bench.backup()
    assert first != ""
    assert await bench.backup() == ""
    bench.shop.write_text('{"n": 2}')
    assert await bench.backup() > first


async def test_a_database_that_did_not_change_is_not_kept_twice(bench: Bench) -> None:
    for journal in ("DELETE", "WAL"):
        bench.fill_database(50, journal)
        assert await bench.backup(DATABASE) != ""
        assert await bench.backup(DATABASE) == ""


async def test_a_damaged_file_is_never_kept(bench: Bench) -> None:
    bench.shop.write_text('{"n": ')
    assert await bench.backup() == ""
    assert await bench.keeper.newest_good_backup(bench.service, JSON) == ""


async def test_a_damaged_database_is_never_kept(bench: Bench) -> None:
    bench.fill_database(500)
    bench.database.write_bytes(bench.database.read_bytes()[:5000])
    assert await bench.backup(DATABASE) == ""


async def test_a_database_that_stays_locked_is_no_damage_and_holds_nobody_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platforms.keeping.checks._BUSY_S", 0.02)
    monkeypatch.setattr("platforms.keeping.copies._BUSY_S", 0.02)
    monkeypatch.setattr("platforms.keeping.copies._PATIENCE_S", 0.1)
    bench.fill_database(10)
    with closing(sqlite3.connect(bench.database)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert await bench.check(DATABASE) == ""
        with pytest.raises(PlatformError, match="stayed locked"):
            await bench.backup(DATABASE)


async def test_ten_backups_are_kept_even_when_the_clock_goes_back(bench: Bench) -> None:
    for n in range(14):
        bench.shop.write_text(f'{{"n": {n}}}')
        if n == 8:
            bench.wall_s -= 3600
        last = await bench.backup()
        assert await bench.keeper.newest_good_backup(bench.service, JSON) == last
    kept = list((bench.cwd.parent / "state").rglob("*Z-*"))
    assert len(kept) == 10


async def test_a_rotten_backup_is_passed_over(bench: Bench) -> None:
    bench.shop.write_text('{"n": 1}')
    good = await bench.backup()
    bench.shop.write_text('{"n": 2}')
    rotten = await bench.backup()
    [path] = (bench.cwd.parent / "state").rglob(rotten)
    path.write_text('{"n": 3}')
    assert await bench.keeper.newest_good_backup(bench.service, JSON) == good


async def test_a_restore_brings_the_content_back_and_keeps_mode_and_damaged_copy(bench: Bench) -> None:
    bench.shop.write_text('{"n": 1}')
    name = await bench.backup()
    bench.shop.write_text('{"n": ')
    bench.shop.chmod(0o604)
    restored = await bench.keeper.restore(bench.service, JSON, "act1")
    assert restored.backup == name
    assert bench.shop.read_text() == '{"n": 1}'
    assert bench.shop.stat().st_mode & 0o777 == 0o604
    assert (bench.data / restored.damaged_copy).read_text() == '{"n": '
    assert restored.damaged_copy.startswith("shop.json.damaged-2023")
    assert await bench.keeper.restored_by(bench.service, JSON) == "act1"


async def test_a_file_that_vanished_is_restored_with_nothing_to_keep(bench: Bench) -> None:
    bench.shop.write_text("[1]")
    await bench.backup()
    bench.shop.unlink()
    assert (await bench.keeper.restore(bench.service, JSON, "act1")).damaged_copy == ""
    assert bench.shop.read_text() == "[1]"


async def test_a_restore_without_a_backup_is_refused_and_touches_nothing(bench: Bench) -> None:
    bench.shop.write_text("{")
    with pytest.raises(PlatformError, match="no good backup"):
        await bench.keeper.restore(bench.service, JSON, "act1")
    assert [path.name for path in bench.data.iterdir()] == ["shop.json"]
    assert await bench.keeper.restored_by(bench.service, JSON) == ""


async def test_a_restored_database_does_not_replay_the_log_of_the_damaged_one(bench: Bench) -> None:
    bench.fill_database(20, "WAL")
    await bench.backup(DATABASE)
    with closing(sqlite3.connect(bench.database)) as writer:
        writer.execute("INSERT INTO jobs (what) VALUES ('only in the log')")
        writer.commit()
        bench.database.write_bytes(b"garbage")
        await bench.keeper.restore(bench.service, DATABASE, "act1")
    assert not bench.database.with_name("queue.db-wal").exists()
    assert await bench.check(DATABASE) == ""
    assert bench.rows() == 20


async def test_emptying_a_cache_removes_its_content_and_follows_no_link(bench: Bench) -> None:
    cache = bench.cwd / "cache"
    (cache / "deep" / "er").mkdir(parents=True)
    (cache / "deep" / "er" / "page").touch()
    (cache / "top").touch()
    bench.shop.write_text("[]")
    (cache / "link").symlink_to(bench.data)
    assert await bench.keeper.empty_cache(bench.service, "cache/") == 3
    assert list(cache.iterdir()) == []
    assert bench.shop.exists()
    assert await bench.keeper.empty_cache(bench.service, "never-made") == 0


@pytest.mark.parametrize(
    "cache", ["..", ".", "/tmp", "cache/../..", "linked", "linked/inner", "data/shop.json"]
)
async def test_what_is_no_cache_inside_the_service_is_not_emptied(bench: Bench, cache: str) -> None:
    outside = bench.cwd.parent / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "precious").touch()
    bench.shop.write_text("[]")
    (bench.cwd / "linked").symlink_to(outside)
    with pytest.raises(PlatformError, match="cache"):
        await bench.keeper.empty_cache(bench.service, cache)
    assert (outside / "precious").exists()
    assert bench.shop.exists()


async def prove(bench: Bench, file: WatchedFile = JSON) -> Proof:
    return await bench.keeper.prove(
        bench.service, file, await bench.keeper.newest_backup(bench.service, file)
    )


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
async def test_a_backup_of_a_database_is_proven_row_by_row_and_leaves_no_scratch(
    bench: Bench, journal: str
) -> None:
    bench.fill_database(300, journal)
    name = await bench.backup(DATABASE)
    proof = await prove(bench, DATABASE)
    assert (proof.backup, proof.problem, proof.rows) == (name, "", 300)
    assert proof.size_bytes > 0
    assert not list((bench.cwd.parent / "state").rglob("scratch"))


async def test_a_backup_of_a_document_is_proven(bench: Bench) -> None:
    bench.shop.write_text("[1]")
    name = await bench.backup()
    assert await prove(bench) == Proof(backup=name, size_bytes=3)


async def test_a_rotten_backup_fails_its_proof_is_set_aside_and_the_one_before_counts(bench: Bench) -> None:
    bench.fill_database(200)
    good = await bench.backup(DATABASE)
    bench.fill_database(200)
    rotten = await bench.backup(DATABASE)
    [path] = (bench.cwd.parent / "state").rglob(rotten)
    data = bytearray(path.read_bytes())
    data[8192:16384] = os.urandom(8192)
    path.write_bytes(data)
    assert "content is another" in (await prove(bench, DATABASE)).problem
    assert path.with_name(f"worthless-{rotten}").exists()
    assert await bench.keeper.newest_backup(bench.service, DATABASE) == good
    assert (await prove(bench, DATABASE)).problem == ""


async def test_a_database_that_was_damaged_before_its_checksum_was_taken_fails_its_proof(
    bench: Bench,
) -> None:
    """As where an index disagrees with its table, which the quick check of the living file does not see."""
    bench.fill_database(50)
    with closing(sqlite3.connect(bench.database, isolation_level=None)) as connection:
        connection.execute("CREATE INDEX by_what ON jobs (what)")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql='CREATE INDEX by_what ON jobs (id)' WHERE name='by_what'"
        )
    assert await bench.backup(DATABASE) != ""
    assert (await prove(bench, DATABASE)).problem != ""


async def test_without_room_nothing_is_copied_or_proven(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.shop.write_text("[1]")
    await bench.backup()
    monkeypatch.setattr("platforms.keeping.copies._SPARE_BYTES", 1 << 60)
    with pytest.raises(PlatformError, match="too little"):
        await prove(bench)
    bench.shop.write_text("[2]")
    with pytest.raises(PlatformError, match="too little"):
        await bench.backup()


async def test_two_restores_in_one_instant_keep_both_damaged_copies(bench: Bench) -> None:
    bench.shop.write_text("[1]")
    await bench.backup()
    kept = []
    for damage in ("{first", "{second"):
        bench.shop.write_text(damage)
        kept.append((await bench.keeper.restore(bench.service, JSON, "act")).damaged_copy)
    assert [(bench.data / name).read_text() for name in kept] == ["{first", "{second"]


async def test_an_undone_restore_puts_the_damaged_copy_back_and_is_not_repeated(bench: Bench) -> None:
    bench.shop.write_text("[1]")
    await bench.backup()
    bench.shop.write_text("{by hand")
    restored = await bench.keeper.restore(bench.service, JSON, "act")
    said = await bench.keeper.put_back(bench.service, JSON, restored.damaged_copy)
    assert bench.shop.read_text() == "{by hand"
    [aside] = bench.data.glob("shop.json.undone-*")
    assert aside.name in said
    assert aside.read_text() == "[1]"
    with pytest.raises(PlatformError, match="a person had it put back"):
        await bench.keeper.restore(bench.service, JSON, "act2")
    bench.shop.write_text("{damaged anew")
    await bench.keeper.restore(bench.service, JSON, "act3")
    assert bench.shop.read_text() == "[1]"


async def test_an_undone_restore_of_a_missing_file_takes_it_away_again_and_keeps_it(bench: Bench) -> None:
    bench.shop.write_text("[1]")
    await bench.backup()
    bench.shop.unlink()
    await bench.keeper.restore(bench.service, JSON, "act")
    await bench.keeper.put_back(bench.service, JSON, "")
    assert not bench.shop.exists()
    assert [path.read_text() for path in bench.data.glob("shop.json.undone-*")] == ["[1]"]


async def test_a_damaged_database_comes_back_with_its_write_ahead_log(bench: Bench) -> None:
    bench.fill_database(20, "WAL")
    await bench.backup(DATABASE)
    with closing(sqlite3.connect(bench.database)) as writer:
        writer.execute("INSERT INTO jobs (what) VALUES ('only in the log')")
        writer.commit()
        whole = bench.database.read_bytes()
        log = bench.database.with_name("queue.db-wal").read_bytes()
        restored = await bench.keeper.restore(bench.service, DATABASE, "act1")
    assert bench.rows() == 20
    await bench.keeper.put_back(bench.service, DATABASE, restored.damaged_copy)
    assert bench.database.read_bytes() == whole
    assert bench.database.with_name("queue.db-wal").read_bytes() == log
    assert bench.rows() == 21
