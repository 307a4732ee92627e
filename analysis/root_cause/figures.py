"""Turns what the figures say into evidence on an incident, each with the curve that shows it."""

from collections.abc import Collection, Sequence

import numpy as np

from analysis.evidence import Evidence
from analysis.root_cause.deviation import Deviations
from analysis.root_cause.fusion import Suspect, weigh
from analysis.root_cause.naming import name_cause
from analysis.root_cause.ranking import UNKNOWN
from analysis.root_cause.window import Floats, Window

CLEAR = 0.8  # of all services: less is no clear winner
MOST = 2.0  # log-odds: figures alone do not outweigh what was seen to happen
LEAST_Z = 3.0  # a metric less far from usual shows nothing
FEW = 3  # services, with which a share of all tells little:
FEW_Z = 8.0  # then something has to be this far from usual
SHOWN = 2  # metrics
CURVE_ROWS = 30
_BARS = "▁▂▃▄▅▆▇█"


def figure_evidence(window: Window, suffers: str, below: Collection[str], *, changed: bool) -> list[Evidence]:
    """Evidence against the clear winner: the service of the incident itself, or one that it needs.

    `below` are those that it needs, directly or not; `changed` says whether it was changed lately.
    """
    verdict = weigh(window)
    best = verdict.suspects[0] if verdict.suspects else None
    if best is None or best.confidence < CLEAR or not _stands_out(window, verdict.deviations, best):
        return []
    if best.service == suffers:
        cause = name_cause(window, verdict)
        if cause == UNKNOWN or (cause == "bad_deploy" and not changed):
            return []
    elif best.service in below:
        cause = "dependency_failure"
    else:
        return []
    told = _told(window, verdict.deviations, best)
    weight = MOST * (best.confidence - 0.5) / 0.5
    return [Evidence(cause, best.service, weight / len(told), sentence) for sentence in told]


def _stands_out(window: Window, found: Deviations, suspect: Suspect) -> bool:
    own = found.owners == window.places[suspect.service]
    far = float(np.maximum(found.up, found.down)[own].max(initial=0.0))
    return far >= (FEW_Z if len(window.services) < FEW else LEAST_Z)


def _told(window: Window, found: Deviations, suspect: Suspect) -> list[str]:
    """A sentence for each metric that shows it."""
    far = np.maximum(found.up, found.down)
    place = window.places[suspect.service]
    own = [
        column
        for column in np.argsort(-far).tolist()
        if found.owners[column] == place and far[column] >= LEAST_Z
    ]
    return [_sentence(window, found, column) for column in own[:SHOWN]]


def _sentence(window: Window, found: Deviations, column: int) -> str:
    each = window.columns[column]
    values = np.concatenate([window.before[:, column], window.after[:, column]])
    known = values[~np.isnan(values)]
    now = f"{known[-1]:.3g}, usually {found.usual[column]:.3g}"
    return f"{each.metric} of {each.service} {curve(values[-CURVE_ROWS:].tolist())} is {now}"


def curve(values: Sequence[float] | Floats) -> str:
    """A line of bars, lowest to highest; a blank where nothing is known.

    >>> curve([1.0, 1.0, 2.0, float("nan"), 8.0])
    '▁▁▂ █'
    """
    known = [value for value in values if np.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    span = (high - low) or 1.0
    return "".join(
        _BARS[round((value - low) / span * (len(_BARS) - 1))] if np.isfinite(value) else " "
        for value in values
    )
