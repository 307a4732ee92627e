"""The evaluation gate: how often it promotes bad challengers and good ones, all of them real models."""

import time
from collections import Counter
from collections.abc import Callable

from benchmarks.gate_challengers import BAD, good, verdicts
from benchmarks.report import Goal, Table
from mlops.gate import Evidence

ROUNDS, QUICK = 100, 10


def run(*, quick: bool = False) -> list[Table]:
    rounds = QUICK if quick else ROUNDS
    rows, goals = [], []
    for name, make in {"good (+5 % F1)": good, **BAD}.items():
        row, promoted = challengers(name, make, rounds)
        rows.append(row)
        goals.append(
            Goal("good challengers promoted", 100 * promoted / rounds, 95, "%", least=True)
            if make is good
            else Goal(f"promoted: {name}", promoted, 0)
        )
    return [
        Table(
            title=f"The gate's verdicts on {rounds} challengers each",
            columns=("challengers", "promoted", "rejected", "not enough data", "median samples", "s each"),
            rows=rows,
            goals=goals,
            notes=(
                "Linear models and XGBoost, trained on generated house prices; the champion is from before a drift.",
                "Each is judged at 200 samples, then at the size that the gate's own power calculation asks for.",
            ),
        )
    ]


def challengers(name: str, make: Callable[[int], Evidence], rounds: int) -> tuple[tuple[str, ...], int]:
    found: Counter[str] = Counter()
    sizes, began = [], time.perf_counter()
    for seed in range(rounds):
        verdict = list(verdicts(make(seed)))[-1]
        found[verdict.decision] += 1
        sizes.append(verdict.samples)
    each = (time.perf_counter() - began) / rounds
    cells = (found["promote"], found["reject"], found["not_enough_data"], sorted(sizes)[rounds // 2])
    return (name, *map(str, cells), f"{each:.2f}"), found["promote"]
