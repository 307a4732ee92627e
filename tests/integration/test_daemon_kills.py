import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.counter_line import CounterLine
from tests.fixtures.journal_audit import audit, facts
from tests.fixtures.real_daemon import RealDaemon, until

SERVICES = ("a", "b", "c", "d")
ENDED = {"closed", "withdrawn"}


class Vandal:
    """Kills and freezes services, whatever process they are now, and remembers whom.

    One that was hurt gets peace until its incident is over: three failures of a fix make the daemon rest it.
    """

    def __init__(self, daemon: RealDaemon, seed: int) -> None:
        self.daemon = daemon
        self.chance = random.Random(seed)
        self.killed: set[int] = set()
        self.marks: set[str] = set()  # of those that were hurt, perhaps before they could note their birth
        self.peace = dict.fromkeys(SERVICES, 0)  # lives of the daemon

    def hurt_one(self) -> None:
        leaders = self.daemon.leaders()
        victims = [name for name, lives in self.peace.items() if lives <= 0 and name in leaders]
        if not victims:
            return
        name, number = self.chance.choice(victims), self.chance.choice((signal.SIGKILL, signal.SIGSTOP))
        [(mark, pid)] = leaders[name]
        self.marks.add(mark)
        self.peace[name] = 4
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            if number == signal.SIGKILL:
                self.killed.add(pid)

    def die_once(self) -> None:
        """One life of the daemon: a service is hurt, and the daemon is killed at some instant of what follows."""
        self.daemon.launch()
        if self.chance.random() < 0.3:
            time.sleep(self.chance.uniform(0.1, 0.6))  # while it restores, adopts or starts
        else:
            until("the daemon is ready", self.daemon.is_ready)
            for incident in self.daemon.incidents():
                if incident["status"] not in ENDED:
                    self.peace[incident["service"]] = 2
            self.hurt_one()
            longest_s = self.chance.choice((1.5, 1.5, 1.5, 4))
            time.sleep(self.chance.uniform(0, longest_s))
            self.peace = {name: lives - 1 for name, lives in self.peace.items()}
        self.daemon.kill()
        if self.chance.random() < 0.4:  # while nobody watches
            self.hurt_one()


def held_together(daemon: RealDaemon) -> None:
    """After the last start: every service runs once, nothing is left over, everything is told to its end."""
    until("every service is healthy", daemon.all_healthy, 60)
    until(
        "every incident has come to its end",
        lambda: all(incident["status"] in ENDED for incident in daemon.incidents()),
        60,
    )
    leaders = daemon.leaders()
    assert sorted(leaders) == sorted(SERVICES)
    assert [len(lives) for lives in leaders.values()] == [1] * len(SERVICES)
    assert len({mark for [(mark, _)] in leaders.values()}) == len(SERVICES)
    assert len(daemon.carriers()) == len(SERVICES), "orphans"
    assert daemon.notes("doubled") == []
    assert daemon.stop() == 0
    assert daemon.carriers() == []


def every_mark_is_one_life(daemon: RealDaemon, vandal: Vandal) -> None:
    """An act makes one process; another one under its mark only where that one was killed before the act was over."""
    born: dict[str, list[int]] = {}
    for _, mark, pid in daemon.notes("born"):
        born.setdefault(mark, []).append(pid)
    assert [mark for mark, pids in born.items() if not set(pids[:-1]) <= vandal.killed] == []
    told = {fact["incarnation"] for fact in facts(daemon.state, "ServiceStarted")}
    assert told - set(born) <= vandal.marks, "told, but never born"


def kill_often(
    folder: Path, kills: int, seed: int, told: Callable[[int, str], None] = lambda *_: None
) -> tuple[int, int]:
    daemon = RealDaemon(folder, *SERVICES)
    daemon.configure(
        [daemon.tiny("a"), daemon.tiny("b", "a"), daemon.tiny("c", probe=False), daemon.tiny("d", "a")]
    )
    vandal = Vandal(daemon, seed)
    try:
        for death in range(kills):
            vandal.die_once()
            told(death + 1, f"{len(vandal.killed)} services killed")
        daemon.start()
        held_together(daemon)
        every_mark_is_one_life(daemon, vandal)
        return audit(daemon.state), len(facts(daemon.state, "IncidentOpened"))
    finally:
        daemon.end()


@pytest.mark.timeout(120)
def test_ten_deaths_of_the_daemon_while_services_are_killed_and_frozen_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    kill_often(tmp_path, 10, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_sixty_deaths_of_the_daemon_while_services_are_killed_and_frozen_lose_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CounterLine(capsys, "deaths of a real daemon", 60)
    records, incidents = kill_often(tmp_path, 60, seed=random.randrange(1 << 30), told=line.show)
    print(f"{records} records, {incidents} incidents")
