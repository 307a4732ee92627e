"""How far each metric is from what was usual, without a unit: quantiles give the scale, and what may already be faulty is
left out of it (the guard band)."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from analysis.root_cause.kinds import Kind, kind_of
from analysis.root_cause.window import GUARD, Floats, Numbers, Window, quantiles, strongest

LEAST_SHARE = 0.02  # of the usual value: no metric is known better
MOST_Z = 1000.0


class Deviations(Struct, frozen=True):
    """Per column: how far up and down it stood for at least half as long as the alarm is old."""

    kinds: Sequence[Kind]
    owners: Numbers  # place of its service, -1 for none
    usual: Floats
    suspect: Floats  # samples of the guard band, then those from the alarm on
    z: Floats
    up: Floats
    down: Floats


def deviations(window: Window) -> Deviations:
    guard = min(GUARD, max(len(window.before) - 2, 0))
    known = window.before[: len(window.before) - guard]
    suspect = np.vstack([window.before[len(window.before) - guard :], window.after])
    low, quarter, usual, three, high = quantiles(known, (0.01, 0.25, 0.5, 0.75, 0.99))
    scale = np.fmax(np.fmax((high - low) / 4, three - quarter), LEAST_SHARE * np.abs(usual))
    flat = LEAST_SHARE * np.nan_to_num(np.abs(suspect)).max(axis=0)
    scale = np.where(scale > 0, scale, np.where(flat > 0, flat, 1.0))
    z = np.clip(np.nan_to_num((suspect - usual) / scale), -MOST_Z, MOST_Z)
    ordered = np.sort(z, axis=0)
    lasting = min(max(2, (len(window.after) + 1) // 2), len(ordered))
    places = window.places
    return Deviations(
        [kind_of(column.metric) for column in window.columns],
        np.array([places.get(column.service, -1) for column in window.columns], dtype=np.intp),
        usual,
        suspect,
        z,
        np.maximum(ordered[-lasting], 0),
        np.maximum(-ordered[lasting - 1], 0),
    )


class Figures:
    """The strongest deviation of each service, by kind of metric and direction."""

    def __init__(self, found: Deviations, services: int) -> None:
        self._found = found
        self._services = services
        self._of_kind = {kind: np.array([each == kind for each in found.kinds]) for kind in set(found.kinds)}

    def up(self, *kinds: Kind) -> Floats:
        return self._strongest(self._found.up, kinds)

    def down(self, *kinds: Kind) -> Floats:
        return self._strongest(self._found.down, kinds)

    def _strongest(self, values: Floats, kinds: Sequence[Kind]) -> Floats:
        result = np.zeros(self._services)
        for kind in kinds:
            if (chosen := self._of_kind.get(kind)) is not None:
                found = strongest(values[chosen], self._found.owners[chosen], self._services)
                result = np.maximum(result, found)
        return result
