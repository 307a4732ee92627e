"""Follows a breached objective down the call graph: how much of the lost time, or of the failed requests, began where.

What a service lost is its change of latency (or of success) times its requests, so that all services are counted in one
unit. What its callees lost is taken from it: what is left began there. And what began there has to come and go with the
breach itself: a level that was different all the time explains nothing.
"""

import numpy as np

from analysis.root_cause.deviation import Deviations
from analysis.root_cause.kinds import Kind, kind_of, typical
from analysis.root_cause.window import Floats, Window

OF_ITS_OWN = (
    0.5  # the one that suffers is less likely the one to blame than the arithmetic says: callees go unseen
)


def impact(window: Window, found: Deviations) -> Floats:
    """The share of the breach that began at each service; zeros where no breached objective is known."""
    nothing = np.zeros(len(window.services))
    target = window.places.get(window.target[0]) if window.target else None
    if target is None or window.target is None:
        return nothing
    lost = _lost(window, found, kind_of(window.target[1]))
    began = np.maximum(lost - _below(window, lost), 0)
    breach = lost[target]
    explains = np.maximum(began @ (breach - breach.mean()), 0)
    explains[target] *= OF_ITS_OWN
    total = float(explains.sum())
    return explains / total if total > 0 else nothing


def _lost(window: Window, found: Deviations, kind: Kind) -> Floats:
    """Rows are services, columns the suspect samples; nothing is lost where things got better."""
    columns = _one_each(window, found, "good" if kind == "good" else "bad" if kind == "bad" else "latency")
    requests = _one_each(window, found, "traffic")
    lost = np.zeros((len(window.services), len(found.suspect)))
    for place, column in columns.items():
        change = np.nan_to_num(found.suspect[:, column] - found.usual[column])
        if kind == "good":
            change = -change
        if kind != "bad" and place in requests:  # errors are counted already
            change = change * np.nan_to_num(found.suspect[:, requests[place]])
        lost[place] = np.maximum(change, 0)
    return lost


def _below(window: Window, lost: Floats) -> Floats:
    places = window.places
    below = np.zeros_like(lost)
    for caller, callee in dict.fromkeys(window.calls):
        if caller in places and callee in places and caller != callee:
            below[places[caller]] += lost[places[callee]]
    return below


def _one_each(window: Window, found: Deviations, kind: Kind) -> dict[int, int]:
    """The column of each service that speaks best for all of its requests."""
    best: dict[int, int] = {}
    for column, (each, place) in enumerate(zip(found.kinds, found.owners.tolist(), strict=True)):
        if each != kind or place < 0:
            continue
        known = best.get(place)
        if known is None or typical(window.columns[column].metric) < typical(window.columns[known].metric):
            best[place] = column
    return best
