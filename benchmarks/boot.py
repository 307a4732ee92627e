"""Services that cannot boot for a while: how soon they are up once they can, and how often they were tried."""

import os
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import free_ports, pid_at, quiet, until, until_well
from benchmarks.report import Goal, Table
from benchmarks.stage import daemon, service, supervised, supervisord

PAIRS = 3
NEVER = float("inf")
STEP_S = 1.3  # the gates open one after another, so that the waits are met in different phases
DECLARED, UNDECLARED, PEER = "missing dependency declared", "nothing says why", "supervisord"


def run(*, quick: bool) -> list[Table]:
    closed_s = 12.0 if quick else 40.0
    with tempfile.TemporaryDirectory(prefix="bench-boot-") as name, ExitStack() as stack:
        folder = Path(name)
        page, *ports = free_ports(3 * PAIRS + 2)
        fleet = Fleet(folder, ports)
        for gate in fleet.gates:
            gate.touch()
        stack.enter_context(daemon(folder / "ours", page, fleet.services()))
        if supervisord():
            stack.enter_context(
                supervised(folder / "peer", ports[-1], *fleet.boots("peer"), "--gate", str(fleet.gates[0]))
            )
        for port in fleet.ports.values():
            until_well(port)
        until(lambda: quiet(page))
        fleet.run(closed_s)
        return [_table(fleet, closed_s)]


class Fleet:
    """Pairs of a store and its caller, and services that nobody depends on; all need the gate of their number."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.folder = folder
        self.gates = [folder / f"gate{n}" for n in range(PAIRS)]
        kinds = ("store", "caller", "alone")
        self.ports = {f"{kind}{n}": ports[3 * n + m] for n in range(PAIRS) for m, kind in enumerate(kinds)}
        if supervisord():
            self.ports["peer"] = ports[-1]
        self.opened: dict[int, float] = {}
        self.well: dict[str, float] = {}
        self.tried: dict[str, int] = {}

    def services(self) -> list[dict[str, Any]]:
        made = []
        for n, gate in enumerate(self.gates):
            store, caller, alone = (f"{kind}{n}" for kind in ("store", "caller", "alone"))
            needs = ("--needs", str(self.ports[store]))
            made += [
                service(store, self.ports[store], *self.boots(store), "--gate", str(gate)),
                service(caller, self.ports[caller], *self.boots(caller), *needs, depends_on=[store]),
                service(alone, self.ports[alone], *self.boots(alone), "--gate", str(gate)),
            ]
        return made

    def boots(self, name: str) -> tuple[str, str]:
        return "--boots", str(self.folder / f"{name}.boots")

    def run(self, closed_s: float) -> None:
        """Everything dies and cannot come back for a while."""
        pids = {name: until_well(port)[1] for name, port in self.ports.items()}
        for gate in self.gates:
            gate.unlink()
        before = {name: self._boots(name) for name in self.ports}
        began = time.perf_counter()
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        while (now := time.perf_counter() - began) < closed_s + 30 and len(self.well) < len(self.ports):
            self._open(now, closed_s, before)
            for name, port in self.ports.items():
                number = 0 if name == "peer" else int(name[-1])
                if number in self.opened and name not in self.well and pid_at(port) is not None:
                    self.well[name] = time.perf_counter() - began
            time.sleep(0.01)

    def _open(self, now: float, closed_s: float, before: dict[str, int]) -> None:
        for n, gate in enumerate(self.gates):
            if n not in self.opened and now >= closed_s + n * STEP_S:
                gate.touch()
                self.opened[n] = now
                for name in (
                    f"caller{n}",
                    f"alone{n}",
                    *(["peer"] if n == 0 and "peer" in self.ports else []),
                ):
                    self.tried[name] = self._boots(name) - before[name]

    def _boots(self, name: str) -> int:
        return len((self.folder / f"{name}.boots").read_text().splitlines())

    def delays(self, kind: str) -> list[float]:
        """Of a caller from its store's first 200, of the others from the opening of their gate."""
        names = [name for name in self.tried if name.startswith(kind)]
        return [self.well.get(name, NEVER) - self._since(name) for name in names]

    def _since(self, name: str) -> float:
        if name.startswith("caller"):
            return self.well.get(f"store{name[-1]}", NEVER)
        return self.opened[0 if name == "peer" else int(name[-1])]

    def boots_of(self, kind: str) -> list[int]:
        return [count for name, count in self.tried.items() if name.startswith(kind)]


def _table(fleet: Fleet, closed_s: float) -> Table:
    declared, alone = fleet.delays("caller"), fleet.delays("alone")
    kinds = {"caller": DECLARED, "alone": UNDECLARED} | ({"peer": PEER} if "peer" in fleet.ports else {})
    rows = [_row(text, fleet.delays(kind), fleet.boots_of(kind)) for kind, text in kinds.items()]
    most = max(fleet.boots_of("caller") + fleet.boots_of("alone"))
    return Table(
        title=f"Cannot boot for {closed_s:g} s, then can → first 200 (s)",
        columns=("why it cannot", "median", "max", "boots until then", "services"),
        rows=rows,
        goals=[
            Goal("dependency declared: the slowest", max(declared), 2.0, "s"),
            Goal("undeclared: the slowest", max(alone), 6.0, "s"),
            Goal(f"boots within {closed_s:g} s", most, 13),
        ],
        notes=[
            "All were up before and were killed. Declared: counted from the dependency's own first 200.",
            "supervisord gives up after three failed starts unless told otherwise.",
        ],
    )


def _row(what: str, delays: list[float], boots: list[int]) -> tuple[str, ...]:
    middle = sorted(delays)[len(delays) // 2]

    def text(seconds: float) -> str:
        return "never" if seconds == NEVER else f"{seconds:.2f}"

    return what, text(middle), text(max(delays)), f"{min(boots)}–{max(boots)}", str(len(delays))
