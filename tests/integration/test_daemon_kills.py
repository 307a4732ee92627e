import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.fixtures.journal_audit import audit, facts
from tests.fixtures.real_daemon import RealDaemon, until

SERVICES = ("a", "b", "c", "d")


def hurt_one(daemon: RealDaemon, chance: random.Random, killed: set[int]) -> None:
    """Kill or freeze a service, as a careless person would: whatever process it is now."""
    pids = [pid for leaders in daemon.leaders().values() for _, pid in leaders]
    if pids:
        pid, number = chance.choice(pids), chance.choice((signal.SIGKILL, signal.SIGSTOP))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            if number == signal.SIGKILL:
                killed.add(pid)


def die_once(daemon: RealDaemon, chance: random.Random, killed: set[int]) -> None:
    """One life of the daemon: a service is hurt, and the daemon is killed at some instant of what follows."""
    daemon.launch()
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0.1, 0.6))  # while it restores, adopts or starts
    else:
        until("the daemon is ready", daemon.is_ready)
        hurt_one(daemon, chance, killed)
        time.sleep(chance.uniform(0, 1.5) if chance.random() < 0.8 else chance.uniform(1.5, 4))
    daemon.kill()
    if chance.random() < 0.4:  # while nobody watches
        hurt_one(daemon, chance, killed)


def held_together(daemon: RealDaemon) -> None:
    """After the last start: every service runs once, nothing is left over, everything is told to its end."""
    until("every service is healthy", daemon.all_healthy, 60)
    until(
        "every incident has come to its end",
        lambda: all(incident["status"] in {"closed", "withdrawn"} for incident in daemon.incidents()),
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


def every_mark_is_one_life(daemon: RealDaemon, killed: set[int]) -> None:
    """An act makes one process; another one under its mark only where that one was killed before the act was over."""
    born: dict[str, list[int]] = {}
    for _, mark, pid in daemon.notes("born"):
        born.setdefault(mark, []).append(pid)
    assert [mark for mark, pids in born.items() if not set(pids[:-1]) <= killed] == []
    told = {fact["incarnation"] for fact in facts(daemon.state, "ServiceStarted")}
    assert told <= set(born)


def kill_often(folder: Path, kills: int, seed: int) -> tuple[int, int]:
    chance, killed = random.Random(seed), set[int]()
    daemon = RealDaemon(folder, *SERVICES)
    daemon.configure(
        [daemon.tiny("a"), daemon.tiny("b", "a"), daemon.tiny("c", probe=False), daemon.tiny("d", "a")]
    )
    try:
        for _ in range(kills):
            die_once(daemon, chance, killed)
        daemon.start()
        held_together(daemon)
        every_mark_is_one_life(daemon, killed)
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
    tmp_path: Path,
) -> None:
    records, incidents = kill_often(tmp_path, 60, seed=random.randrange(1 << 30))
    print(f"{records} records, {incidents} incidents")
