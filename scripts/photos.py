"""The picture of an incident: the metric of its service that is furthest from what it was, if any is far."""

from collections.abc import Sequence
from math import isfinite

from analysis.plot import Mark, plot, strangeness
from dashboard.reports.curves import Curve, Curves

BEFORE_S = 900.0
STRANGE = 5.0  # spreads; what is nearer shows people nothing


def photo(
    curves: Curves, service: str, opened_at: float, marks: Sequence[Mark], now: float
) -> tuple[bytes, str] | None:
    """With the name of the metric; None where there is nothing to see."""
    curve = strangest(curves, service, opened_at, now)
    return None if curve is None else (plot(curve.at, curve.values, marks, opened_at), curve.metric)


def strangest(curves: Curves, service: str, opened_at: float, now: float) -> Curve | None:
    found = [
        curve
        for metric in curves.metrics(service)
        if (curve := curves.of(service, metric, opened_at - BEFORE_S, now))
        and all(map(isfinite, curve.values))
    ]
    ranked = sorted(found, key=lambda curve: -strangeness(curve.at, curve.values, opened_at))
    if not ranked or strangeness(ranked[0].at, ranked[0].values, opened_at) < STRANGE:
        return None
    return ranked[0]
