"""Services that cannot boot for a while: how soon they are up once they can, and how often they were tried."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import ask, free_ports
from benchmarks.report import Goal, Table
from benchmarks.stage import daemon, service, supervised, supervisord

PAIRS = 3
STEP_S = 1.3  # the gates open one after another, so that the waits are met in different phases
DECLARED, UNDECLARED, PEER = "missing dependency declared", "nothing says why", "supervisord"


def run(*, quick: bool) -> list[Table]:
    closed_s = 12.0 if quick else 40.0
    with tempfile.TemporaryDirectory(prefix="bench-boot-") as name, ExitStack() as stack:
        folder = Path(name)
        page, *ports = free_ports(3 * PAIRS + 2)
        gates = [folder / f"gate{n}" for n in range(PAIRS)]
        services = []
        for n, gate in enumerate(gates):
            store, caller, alone = ports[3 * n : 3 * n + 3]
            services += [
                service(f"store{n}", store, "--gate", str(gate)),
                service(
                    f"caller{n}",
                    caller,
                    *_boots(folder, f"caller{n}"),
                    "--needs",
                    str(store),
                    depends_on=[f"store{n}"],
                ),
                service(f"alone{n}", alone, *_boots(folder, f"alone{n}"), "--gate", str(gate)),
            ]
        stack.enter_context(daemon(folder / "ours", page, services))
        if supervisord():
            peer = stack.enter_context(
                supervised(folder / "peer", ports[-1], *_boots(folder, "peer"), "--gate", str(gates[0]))
            )
            assert peer.poll() is None
        return [_table(_watch(folder, ports, gates, closed_s), folder, closed_s)]


def _boots(folder: Path, name: str) -> tuple[str, str]:
    return "--boots", str(folder / f"{name}.boots")


def _watch(folder: Path, ports: list[int], gates: list[Path], closed_s: float) -> dict[str, float]:
    """When each service was first well, and when what it needed was there."""
    began = time.perf_counter()
    seen: dict[str, float] = {}
    names = {
        f"{kind}{n}": ports[3 * n + m]
        for n in range(PAIRS)
        for m, kind in enumerate(("store", "caller", "alone"))
    }
    if supervisord():
        names["peer"] = ports[-1]
    while (now := time.perf_counter() - began) < closed_s + PAIRS * STEP_S + 20 and len(seen) < len(
        names
    ) + PAIRS:
        for n, gate in enumerate(gates):
            if f"gate{n}" not in seen and now >= closed_s + n * STEP_S:
                gate.touch()
                seen[f"gate{n}"] = now
                _count(folder, n)
        for name, port in names.items():
            if name not in seen and (answer := ask(port)) is not None and answer[0] == 200:
                seen[name] = time.perf_counter() - began
        time.sleep(0.01)
    return seen


def _count(folder: Path, n: int) -> None:
    """Boots while nothing could have helped."""
    for name in (f"caller{n}", f"alone{n}", *(["peer"] if n == 0 and supervisord() else [])):
        boots = (folder / f"{name}.boots").read_text().splitlines()
        (folder / f"{name}.count").write_text(str(len(boots)))


def _table(seen: dict[str, float], folder: Path, closed_s: float) -> Table:
    def delays(kind: str, since: str) -> list[float]:
        return [seen.get(f"{kind}{n}", float("inf")) - seen[f"{since}{n}"] for n in range(PAIRS)]

    def boots(kind: str) -> list[int]:
        return [int((folder / f"{kind}{n}.count").read_text()) for n in range(PAIRS)]

    declared, alone = delays("caller", "store"), delays("alone", "gate")
    rows = [
        _row(DECLARED, declared, boots("caller")),
        _row(UNDECLARED, alone, boots("alone")),
    ]
    if supervisord():
        rows.append(
            _row(
                PEER,
                [seen.get("peer", float("inf")) - seen["gate0"]],
                [int((folder / "peer.count").read_text())],
            )
        )
    most = max(boots("caller") + boots("alone"))
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
            "Declared: counted from the dependency's own first 200.",
            "supervisord gives up after three failed starts unless told otherwise.",
        ],
    )


def _row(what: str, delays: list[float], boots: list[int]) -> tuple[str, ...]:
    middle = sorted(delays)[len(delays) // 2]

    def text(seconds: float) -> str:
        return "never" if seconds == float("inf") else f"{seconds:.2f}"

    return what, text(middle), text(max(delays)), f"{min(boots)}–{max(boots)}", str(len(delays))
