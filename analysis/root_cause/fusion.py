"""Weighs all evidence on a window against each service, and says how sure that is.

Each evidence is a logarithm of how unusual something is; their weighted sum goes through a soft-max, so that a clear winner
counts more than a crowd. The weights were fitted as a conditional logit with a pull towards 1; `python -m benchmarks.rca_fit` does it.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from analysis.root_cause.counting import broken
from analysis.root_cause.deviation import Deviations, Figures, deviations
from analysis.root_cause.impact import impact
from analysis.root_cause.timing import slower
from analysis.root_cause.window import Floats, Window

ORDINARY = 1.5  # of the scale: a metric that is not further off than this says nothing
IMPACT_SCALE = 3.0  # a share is at most 1, the logarithms are larger
WEIGHTS: Mapping[str, float] = {
    "cpu": 1.07, "memory": 1.0, "latency": 0.59, "errors": 0.49, "network": 0.79, "less": 0.17, "rest": 0.59,
    "clear": 1.08, "wait": 2.0, "work": 0.89, "ratio": 1.47, "ratios": 1.46, "new_errors": 1.12, "more_errors": 1.09,
    "impact": 2.17,
}  # fmt: skip
SLOPE, OFFSET = (
    0.95,
    0.5,
)  # of the confidence, on the scale of log-odds: on cases that the weights were not fitted to


class Suspect(Struct, frozen=True):
    """One service, with how probably it is to blame and what each evidence adds to that."""

    service: str
    confidence: float
    score: float
    evidence: Mapping[str, float]  # what it adds to the score beyond what it adds for the others
    metrics: tuple[str, ...] = ()  # names of its columns, the most telling first


class Verdict(Struct, frozen=True):
    suspects: tuple[Suspect, ...]  # the most probable first
    deviations: Deviations


def evidence(window: Window, found: Deviations) -> dict[str, Floats]:
    """Each evidence by its name, one value per service."""
    figures = Figures(found, len(window.services))
    parts = {
        "cpu": figures.up("cpu"),
        "memory": figures.up("memory"),
        "latency": figures.up("latency"),
        "errors": np.maximum(figures.down("good"), figures.up("bad")),
        "network": np.maximum(figures.up("network"), figures.down("network")),
        "less": figures.down("cpu", "traffic"),
        "rest": np.maximum(figures.up("other", "disk", "traffic"), figures.down("other", "memory")),
    }
    loudest = np.maximum.reduce([parts[name] for name in ("cpu", "memory", "network", "rest")])
    weighed = {name: np.log1p(np.maximum(value - ORDINARY, 0)) for name, value in parts.items()}
    weighed["clear"] = loudest / (loudest.sum() + 1.0)
    places = window.places
    if window.timings is not None:
        weighed["wait"], work = slower(window.timings, places)
        weighed["work"] = np.log1p(work)
    counted = broken(window.counts, places)
    weighed["ratio"], weighed["ratios"] = counted.ratio, counted.ratios
    weighed["new_errors"], weighed["more_errors"] = counted.new_errors, counted.more_errors
    weighed["impact"] = IMPACT_SCALE * impact(window, found)
    return weighed


def weigh(window: Window, weights: Mapping[str, float] = WEIGHTS) -> Verdict:
    """All services of the window, the most probable culprit first."""
    found = deviations(window)
    if not window.services:
        return Verdict((), found)
    parts = {name: weights[name] * value for name, value in evidence(window, found).items()}
    scores = np.sum(list(parts.values()), axis=0)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    means = {name: float(value.mean()) for name, value in parts.items()}
    telling = _telling(window, found)
    suspects = tuple(
        Suspect(
            window.services[place],
            calibrated(float(chances[place])),
            float(scores[place]),
            {name: float(value[place]) - means[name] for name, value in parts.items() if value.any()},
            telling.get(place, ()),
        )
        for place in np.argsort(-scores, kind="stable").tolist()
    )
    return Verdict(suspects, found)


def calibrated(chance: float) -> float:
    """How often a suspect with this share of the soft-max turned out to be the culprit."""
    certain = min(max(chance, 1e-6), 1 - 1e-6)
    odds = SLOPE * np.log(certain / (1 - certain)) + OFFSET
    return float(1 / (1 + np.exp(-odds)))


def _telling(window: Window, found: Deviations) -> dict[int, tuple[str, ...]]:
    """Columns of each service, those first that are furthest from usual."""
    far = np.maximum(found.up, found.down)
    columns: dict[int, list[str]] = {}
    for column in np.argsort(-far, kind="stable").tolist():
        place = int(found.owners[column])
        if place >= 0:
            columns.setdefault(place, []).append(_name(window, column))
    return {place: tuple(names) for place, names in columns.items()}


def _name(window: Window, column: int) -> str:
    each = window.columns[column]
    return f"{each.entity}_{each.metric}" if each.entity else each.metric
