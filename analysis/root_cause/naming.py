"""Which cause a suspect's evidence speaks for, by the names that fixes know; "unknown" where nothing stands out."""

from collections.abc import Mapping

import numpy as np

from analysis.root_cause.deviation import Deviations
from analysis.root_cause.fusion import Suspect, Verdict
from analysis.root_cause.kinds import Kind, kind_of
from analysis.root_cause.ranking import UNKNOWN
from analysis.root_cause.window import Window

SPEAKS_FOR: Mapping[str, str] = {
    "latency": "network_latency", "wait": "network_latency", "network": "network_latency", "errors": "bad_deploy",
    "ratio": "bad_deploy", "ratios": "bad_deploy", "new_errors": "bad_deploy", "more_errors": "bad_deploy",
}  # fmt: skip
RESOURCES: tuple[tuple[Kind, str], ...] = (("cpu", "cpu_saturation"), ("memory", "memory_leak"))
LEAST = 1.0  # log-odds that have to speak for a cause
SWOLLEN = 1.0  # from here a resource is used so much more that it makes its service slow and faulty as well
EXPLAINED = 0.3  # how much is left of that
WITH_LOAD = (
    0.7  # of its growth: so much of it the requests explain that there is nothing wrong but their number
)
GROWTH_SCALE = 2.0  # of the logarithm of how many times the usual amount is used


def name_cause(window: Window, verdict: Verdict) -> str:
    """The cause that the greatest part of the evidence against the first suspect speaks for."""
    if not verdict.suspects:
        return UNKNOWN
    suspect = verdict.suspects[0]
    totals = _by_cause(window, suspect)
    swollen = max(
        (
            (_swell(verdict.deviations, window.places[suspect.service], kind), kind, cause)
            for kind, cause in RESOURCES
        )
    )
    used = sum(max(suspect.evidence.get(kind, 0.0), 0.0) for kind, _ in RESOURCES)
    if swollen[0] >= SWOLLEN:
        totals = {cause: weight * EXPLAINED for cause, weight in totals.items()}
        load = _swell(verdict.deviations, window.places[suspect.service], "traffic")
        totals["traffic_spike" if load >= max(SWOLLEN, WITH_LOAD * swollen[0]) else swollen[2]] = used
    cause, weight = max(totals.items(), key=lambda item: item[1], default=(UNKNOWN, 0.0))
    return cause if weight >= LEAST else UNKNOWN


def _by_cause(window: Window, suspect: Suspect) -> dict[str, float]:
    totals: dict[str, float] = {}
    for name, adds in suspect.evidence.items():
        cause = _of_breach(window) if name == "impact" else SPEAKS_FOR.get(name)
        if cause is not None and adds > 0:
            totals[cause] = totals.get(cause, 0.0) + adds
    return totals


def _of_breach(window: Window) -> str | None:
    if window.target is None:
        return None
    return "network_latency" if kind_of(window.target[1]) == "latency" else "bad_deploy"


def _swell(found: Deviations, place: int, kind: Kind) -> float:
    """How much more of a resource is used: it has to be far from usual, and many times the usual amount.

    A cache that is always the same deviates far by growing a little; a load that is nearly nothing grows many times by chance.
    """
    columns = [
        column for column, each in enumerate(found.kinds) if each == kind and found.owners[column] == place
    ]
    if not columns:
        return 0.0
    column = max(columns, key=lambda column: float(found.up[column]))
    later = np.nan_to_num(found.suspect[-((len(found.suspect) + 1) // 2) :, column])
    growth = np.median(later) / max(float(np.nan_to_num(found.usual[column])), 1e-9)
    return min(float(np.log1p(found.up[column])), GROWTH_SCALE * float(np.log(max(growth, 1.0))))
