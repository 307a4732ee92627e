"""Samples of many entities as arrays, each entity's rows together and in order of time, and its failures beside them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Matrix = NDArray[Any]
Mask = NDArray[np.bool_]

_GAP_STEPS = 1.5  # samples further apart than so many usual steps: some are missing
_SAME_STEPS = 5.0  # failures that begin nearer than this are one


class Record(Struct, frozen=True):
    """`firsts` and `ends` bound each entity's rows; `failures` are the known ones, per entity and in order of time."""

    t: Floats
    values: Floats
    names: tuple[str, ...]
    firsts: Rows
    ends: Rows
    step: float
    failures: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.t)

    def entities(self) -> Iterator[tuple[slice, Floats]]:
        """Rows and failures of each."""
        for first, end, failures in zip(self.firsts, self.ends, self.failures, strict=True):
            yield slice(int(first), int(end)), failures

    def start_of(self) -> Rows:
        """The first row of each row's entity."""
        return np.repeat(self.firsts, self.ends - self.firsts)

    def events(self) -> tuple[Floats, ...]:
        """Starts of all troubles that the record tells of: known failures, and the last sample before each gap.

        A gap is told by the first sample after it, so an event counts as known only later than it happened.
        """
        return tuple(self._events(rows, failures) for rows, failures in self.entities())

    def _events(self, rows: slice, failures: Floats) -> Floats:
        t = self.t[rows]
        gaps = t[:-1][np.diff(t) > _GAP_STEPS * self.step] + self.step
        found = np.unique(np.concatenate([gaps, failures]))
        if len(found) == 0:
            return found
        return found[np.diff(found, prepend=-np.inf) > _SAME_STEPS * self.step]


def record(
    entity: Sequence[object] | NDArray[Any],
    t: Floats,
    values: Floats,
    names: tuple[str, ...],
    failures: Sequence[tuple[object, float]] = (),
) -> Record:
    """Rows have to be sorted by entity and time."""
    who = np.asarray(entity)
    new = np.flatnonzero(np.r_[True, who[1:] != who[:-1]]) if len(who) else np.zeros(0, np.intp)
    ends = np.r_[new[1:], len(who)].astype(np.intp)
    if len(set(who[new].tolist())) != len(new):
        raise ValueError("rows of one entity lie apart: sort the record by entity, then by time")
    steps = np.diff(t)
    steps[new[1:] - 1] = np.nan
    if np.nanmin(steps, initial=np.inf) < 0:
        raise ValueError("the rows of an entity are not in order of time")
    known: dict[object, list[float]] = {}
    for name, at in failures:
        known.setdefault(name, []).append(float(at))
    own = tuple(np.sort(np.asarray(known.get(name, ()), float)) for name in who[new].tolist())
    step = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 1.0
    return Record(np.asarray(t, float), values, names, new.astype(np.intp), ends, step or 1.0, own)


def time_to_failure(samples: Record) -> Floats:
    """From each row to the next known failure of its entity; infinite where none is known."""
    ahead = np.full(len(samples), np.inf)
    for rows, failures in samples.entities():
        t = samples.t[rows]
        following = np.searchsorted(failures, t, side="right")
        known = following < len(failures)
        ahead[rows][known] = failures[following[known]] - t[known]
    return ahead
