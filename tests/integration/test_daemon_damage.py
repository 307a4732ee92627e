import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.counter_line import CounterLine
from tests.fixtures.journal_audit import facts
from tests.fixtures.real_daemon import RealDaemon, until

STEP = 64
FLIPS = 8  # of each file
CHECKSUMMED = {"journal", "snapshots", "run", "clock.json", "in_hand"}  # the others are documents for people


class Folder:
    """The state folder of a daemon that was killed; its services live on. Each case begins with the same bytes."""

    def __init__(self, daemon: RealDaemon) -> None:
        self.daemon = daemon
        self.pids = {name: lives[0][1] for name, lives in daemon.leaders().items()}
        self.whole = daemon.folder / "whole"
        shutil.copytree(daemon.state, self.whole, ignore=lambda *_: ["control.sock"])

    def files(self) -> list[Path]:
        found = [path for path in self.whole.rglob("*") if path.is_file() and path.stat().st_size]
        state = {path.relative_to(self.whole) for path in found}
        spoken = {"lock", "control", "nightwarden.log"}
        # reports of incidents are pages for people, written a second after the end: nothing reads them back
        unread = {"logs", "backups", "reports"}
        return sorted(path for path in state if path.parts[0] not in spoken | unread)

    def size(self, file: Path) -> int:
        return (self.whole / file).stat().st_size

    def restore(self) -> None:
        self.daemon.kill()  # where the case before failed
        shutil.rmtree(self.daemon.state)
        shutil.copytree(self.whole, self.daemon.state)

    def damage(self, file: Path, content: bytes) -> None:
        (self.daemon.state / file).write_bytes(content)

    def told(self, file: Path) -> bool:
        """Kept aside and told as a fact."""
        place = self.daemon.state / file
        return bool(list(place.parent.glob(f"{place.name}*.corrupt"))) and any(
            Path(fact["path"]).name == place.name for fact in facts(self.daemon.state, "DamageFound")
        )

    def live(self) -> None:
        """One life of the daemon on this folder: it starts, finds every service as it was, and is killed."""
        self.daemon.start()
        until("healthy", lambda: set(self.daemon.health().values()) <= {"healthy", "stopped"}, step_s=0.02)
        now = {name: lives[0][1] for name, lives in self.daemon.leaders().items()}
        assert now == self.pids
        assert self.daemon.command("status").returncode == 0
        self.daemon.kill()
        assert self.daemon.notes("doubled") == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    daemon = RealDaemon(tmp_path_factory.mktemp("damage"), "a", "b", "c")
    try:
        daemon.start()
        until("healthy", daemon.all_healthy)
        os.kill(daemon.pid("a"), signal.SIGKILL)
        until("healed", lambda: any(i["status"] == "closed" for i in daemon.incidents()))
        assert daemon.command("stop", "c").returncode == 0
        until("c is stopped", lambda: "c" not in daemon.leaders())
        assert daemon.stop() == 0  # saves a second generation of snapshots
        daemon.start()
        until("healthy", lambda: list(daemon.health().values()).count("healthy") == 2)
        until("the files for people are there", (daemon.state / "traces.json").exists)
        daemon.kill()
        yield Folder(daemon)
    finally:
        daemon.end()


def cut(folder: Folder, file: Path, length: int) -> None:
    """A file cut short is found out, but for a journal cut between two records: that is how a journal ends."""
    folder.restore()
    whole = (folder.whole / file).read_bytes()
    folder.damage(file, whole[:length])
    folder.live()
    clean_end = file.parts[0] == "journal" and whole[:length][-1:] in (b"", b"\n")
    complete = whole[length:].strip() == b""
    assert folder.told(file) or clean_end or complete


def flip(folder: Folder, file: Path, chance: random.Random) -> None:
    folder.restore()
    content = bytearray((folder.whole / file).read_bytes())
    used = len(content.rstrip(b"\0"))
    content[chance.randrange(used)] ^= 1 << chance.randrange(8)
    folder.damage(file, bytes(content))
    folder.live()
    if file.parts[0] in CHECKSUMMED - {"in_hand"}:
        assert folder.told(file)


KINDS = ("journal", "snapshots", "run", "clock.json", "in_hand", "self_healing_state.json", "traces.json")


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_found_out_kept_aside_and_told_and_harms_no_service(
    folder: Folder, kind: str
) -> None:
    chance = random.Random(kind)
    files = [file for file in folder.files() if file.parts[0] == kind]
    file = chance.choice(files)
    cut(folder, file, STEP * chance.randrange(-(-folder.size(file) // STEP)))
    flip(folder, chance.choice(files), chance)


def test_everything_damaged_at_once_harms_no_service(folder: Folder) -> None:
    """Also nobody knows any more that an operator stopped c, so it runs again: that is all."""
    folder.restore()
    files = folder.files()
    for file in files:
        folder.damage(file, (folder.whole / file).read_bytes()[: folder.size(file) // 2])
    daemon = folder.daemon
    daemon.start()
    until("healthy", daemon.all_healthy)
    assert {name: daemon.pid(name) for name in "ab"} == folder.pids
    assert [file for file in files if not folder.told(file)] == []
    daemon.kill()
    os.kill(daemon.pid("c"), signal.SIGKILL)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_file_cut_at_every_64th_byte_and_with_random_bits_flipped(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, lives = random.Random(), 0
    stride = int(os.environ.get("NIGHTWARDEN_SOAK_STRIDE", "1"))
    step = {file: STEP * stride * (16 if file.name == "in_hand" else 1) for file in folder.files()}
    cuts = [(file, length) for file in step for length in range(0, folder.size(file), step[file])]
    line = CounterLine(capsys, "damaged folders", len(cuts) + FLIPS * len(step))
    for file, length in cuts:
        cut(folder, file, length)
        line.show(lives := lives + 1, f"{file} cut")
    for file in FLIPS * list(step):
        flip(folder, file, chance)
        line.show(lives := lives + 1, f"a bit of {file} flipped")
