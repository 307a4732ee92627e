"""The cost of probes against the time to detect, simulated: fixed rate against stretched rate with quick second looks."""

from collections.abc import Sequence
from random import Random
from statistics import mean

from analysis.learning.pace import confirm_s, stretch
from benchmarks.report import Goal, Table

SETTINGS = ((1.0, 0.5), (5.0, 1.0), (10.0, 5.0), (30.0, 5.0), (60.0, 5.0))  # interval, timeout
AT_MOST = 1.75  # as learning.probe_stretch_at_most
DAY_S = 86400.0
BLIPS_PER_DAY = 5.0


def pace(*, quick: bool) -> list[Table]:
    troubles = 400 if quick else 4000
    rows, costs, times = [], [], []
    for interval_s, timeout_s in SETTINGS:
        factor = stretch(interval_s, timeout_s, AT_MOST)
        random = Random(f"{interval_s} {timeout_s}")
        phases = [random.random() for _ in range(troubles)]
        usual = sorted(_found(phase, interval_s, interval_s, timeout_s) for phase in phases)
        other = sorted(
            _found(phase, factor * interval_s, confirm_s(interval_s, timeout_s), timeout_s)
            for phase in phases
        )
        blips = [random.expovariate(1.0 / 3.0) for _ in range(troubles)]
        seen = [
            _seen(blips, phases, interval_s, interval_s),
            _seen(blips, phases, factor * interval_s, confirm_s(interval_s, timeout_s)),
        ]
        cost = 1.0 - _probes(factor * interval_s) / _probes(interval_s)
        costs.append(cost)
        times.append(mean(other) / mean(usual))
        rows.append((
            f"{interval_s:g} s, {timeout_s:g} s", f"{factor:.2f}", f"{cost:.0%}",
            f"{mean(usual):.2f} → {mean(other):.2f}", f"{_late(usual):.2f} → {_late(other):.2f}",
            f"{seen[0]:.1%} → {seen[1]:.1%}",
        ))  # fmt: skip
    columns = (
        "interval, timeout",
        "stretched",
        "fewer probes",
        "mean detection, s",
        "99 of 100, s",
        "blips taken for troubles",
    )
    goals = [
        Goal("probe cost falls by, mean of the rates", round(100 * mean(costs), 1), 30, "%", least=True),
        Goal("mean detection time against the fixed rate, at most", round(max(times), 3), 1.0),
    ]
    return [
        Table(title="Probe cost against detection time, simulated", columns=columns, rows=rows, goals=goals)
    ]


def _found(phase: float, gap_s: float, second_s: float, timeout_s: float) -> float:
    """A hang at a random moment between two looks, seen by two that time out."""
    return phase * gap_s + second_s + timeout_s


def _seen(blips: Sequence[float], phases: Sequence[float], gap_s: float, second_s: float) -> float:
    """The share of short troubles, of 3 s on average, which two looks in a row meet."""
    return mean(blip > phase * gap_s + second_s for blip, phase in zip(blips, phases, strict=True))


def _probes(gap_s: float) -> float:
    """A day, with the second looks after each blip."""
    return DAY_S / gap_s + 2 * BLIPS_PER_DAY


def _late(ordered: Sequence[float]) -> float:
    return ordered[int(0.99 * (len(ordered) - 1))]
