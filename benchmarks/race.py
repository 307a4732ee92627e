"""The same five faults for five supervisors, in one run: killed, frozen, hanging, answering 500, unable to boot for a while.

Each keeps ten children of one program alive. Those of a kill take turns; the others are broken in all stables at once, a few
children at a time. A peer that heals none of the first few within the cap is not waited for again.
"""

import os
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from benchmarks.measure import ask, free_ports, median, pid_at, quiet, until, until_well
from benchmarks.race_peers import OURS, PEERS, PROBE_S, Peer, ours, peer, store
from benchmarks.report import Goal, Table

START_S = 0.2
ROUNDS, FEW = 10, 3  # of them at a time: more at once would look as if the watcher were ill
CAP_S, AWAY_S, AFTER_S = 45.0, 40.0, 60.0
KILLED, BOOT = "killed (kill -9)", "cannot boot while a dependency is away"
LIVING = ("frozen (SIGSTOP)", "handler hangs", "answers 500")
NEAR_MS = 10.0
LOOK_S = 0.01
Took = dict[str, dict[str, list[float | None]]]  # by fault and racer; None: not healed within the cap


def run(*, quick: bool) -> list[Table]:
    rounds, cap_s = (FEW, 20.0) if quick else (ROUNDS, CAP_S)
    with tempfile.TemporaryDirectory(prefix="bench-race-") as name, ExitStack() as stack:
        race = Race(Path(name), stack, rounds, cap_s)
        took: Took = {KILLED: race.kills()}
        for fault in LIVING:
            took[fault] = race.living(fault)
        took[BOOT] = race.boots()
    return [_table(took, race.absent)]


class Race:
    def __init__(self, folder: Path, stack: ExitStack, rounds: int, cap_s: float) -> None:
        there = [one for one in PEERS if one.path()]
        self.absent = [one for one in PEERS if not one.path()]
        self.rounds, self.cap_s, self._folder = rounds, cap_s, folder
        self._store_port, *ports = free_ports(1 + ROUNDS * (len(there) + 1))
        every = ("--start", str(START_S), "--needs", str(self._store_port))
        names = [OURS, *(one.name for one in there)]
        self.ports = {name: ports[n * ROUNDS : (n + 1) * ROUNDS] for n, name in enumerate(names)}
        stack.callback(self._end_all)
        self._store = stack.enter_context(ExitStack())
        self._store.enter_context(store(folder, self._store_port))
        until_well(self._store_port)
        self._page = stack.enter_context(ours(folder / OURS, self.ports[OURS], self._store_port, every=every))
        for one in there:
            stack.enter_context(peer(one, folder / one.name, self.ports[one.name], every=every))
        self.pids = {port: until_well(port)[1] for own in self.ports.values() for port in own}
        time.sleep(2.0)  # an earlier end would be taken for a failed start

    def kills(self) -> dict[str, list[float | None]]:
        """One after the other, the racers taking turns, so that all meet the same machine."""
        took: dict[str, list[float | None]] = {name: [] for name in self.ports}
        for number in range(self.rounds):
            until(lambda: quiet(self._page))
            for name in random.sample(list(self.ports), len(self.ports)):
                port = self.ports[name][number]
                os.kill(self.pids[port], signal.SIGKILL)
                seconds, self.pids[port] = until_well(
                    port, other_than=self.pids[port], not_before_s=0.9 * START_S
                )
                took[name].append(seconds)
                time.sleep(0.1)
        return took

    def living(self, fault: str) -> dict[str, list[float | None]]:
        took: dict[str, list[float | None]] = {name: [] for name in self.ports}
        for first in range(0, self.rounds, FEW):
            until(lambda: quiet(self._page), 60.0)
            time.sleep(random.uniform(1.5, 1.5 + PROBE_S))  # any phase of a probe
            some = {
                port: name
                for name, own in self.ports.items()
                if not took[name] or any(each is not None for each in took[name])
                for port in own[first : first + FEW]
            }
            for port in some:
                self._break(port, fault)
            for port, seconds in self._wait(some, time.perf_counter(), self.cap_s).items():
                took[some[port]].append(seconds)
            self._replace(some, took)
        return took

    def boots(self) -> dict[str, list[float | None]]:
        """What they cannot boot without goes away, and comes back."""
        until(lambda: quiet(self._page), 60.0)
        self._store.close()
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(AWAY_S)
        self._store.enter_context(store(self._folder, self._store_port))
        until_well(self._store_port)
        racers = {port: name for name, own in self.ports.items() for port in own}
        took: dict[str, list[float | None]] = {name: [] for name in self.ports}
        for port, seconds in self._wait(racers, time.perf_counter(), AFTER_S).items():
            took[racers[port]].append(seconds)
        return took

    def _break(self, port: int, fault: str) -> None:
        if fault.startswith("frozen"):
            os.kill(self.pids[port], signal.SIGSTOP)
        else:
            ask(port, "/fault/hang" if "hangs" in fault else "/fault/500")

    def _wait(self, ports: dict[int, str], since: float, cap_s: float) -> dict[int, float | None]:
        """Until each is well in a new life, or the time is over."""
        took: dict[int, float | None] = dict.fromkeys(ports)
        while (now := time.perf_counter() - since) < cap_s and None in took.values():
            for port in [port for port, seconds in took.items() if seconds is None]:
                pid = pid_at(port, 0.02)
                if pid is not None and pid != self.pids[port]:
                    took[port], self.pids[port] = now, pid
            time.sleep(LOOK_S)
        return took

    def _replace(self, some: dict[int, str], took: dict[str, list[float | None]]) -> None:
        """Whom nobody healed is killed, so that the next fault finds all of them well."""
        left = [
            port for port, name in some.items() if took[name][-1] is None and pid_at(port) != self.pids[port]
        ]
        left += [port for port, name in some.items() if took[name][-1] is None and port not in left]
        for port in left:
            with suppress(ProcessLookupError):
                os.kill(self.pids[port], signal.SIGKILL)
        for port in left:
            _, self.pids[port] = until_well(port, other_than=self.pids[port])

    def _end_all(self) -> None:
        """Some leave their children behind."""
        for port, pid in getattr(self, "pids", {}).items():
            for each in {pid, pid_at(port) or pid}:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)


def _table(took: Took, absent: Sequence[Peer]) -> Table:
    names = list(took[KILLED])
    rows = [(fault, *(_cell(by_name[name]) for name in names)) for fault, by_name in took.items()]
    goals = []
    for fault, by_name in took.items():
        own, best = by_name[OURS], _best(by_name)
        goals.append(
            Goal(f"{fault}: healed by us", sum(s is not None for s in own) / len(own), 1.0, least=True)
        )
        healed = [seconds for seconds in own if seconds is not None]
        if fault == KILLED and best is not None and healed:
            goals.append(Goal(f"{fault}: behind the best peer", (median(healed) - best) * 1e3, NEAR_MS, "ms"))
        elif best is not None and healed:
            goals.append(Goal(f"{fault}: our median, of the best peer's", median(healed) / best, 1.0))
    return Table(
        title=f"The same faults for each, median and (worst), from the fault to healthy again (s); {len(took[KILLED][OURS])} rounds",
        columns=("fault", *names),
        rows=rows,
        goals=goals,
        notes=[
            f"A dependency was away for {AWAY_S:g} s; the time counts from its own first 200. We are told of it, as `depends_on`.",
            f"We probe each second; monit looks each 5 s and restarts after two failed looks. Each child needs {START_S} s to start.",
            "Others have their defaults, and no health check built in. Never: not within the cap, and not tried again.",
            *(f"{one.name}: skipped, it is not installed; name it in {one.variable}" for one in absent),
        ],
    )  # fmt: skip


def _cell(seconds: list[float | None]) -> str:
    healed = [each for each in seconds if each is not None]
    if not healed:
        return "never"
    told = f"{median(healed):.2f} ({max(healed):.2f})"
    return told if len(healed) == len(seconds) else f"{told}, {len(healed)} of {len(seconds)}"


def _best(by_name: dict[str, list[float | None]]) -> float | None:
    """The median of the fastest peer that heals every one."""
    whole = [
        median([each for each in seconds if each is not None])
        for name, seconds in by_name.items()
        if name != OURS and seconds and None not in seconds
    ]
    return min(whole, default=None)
