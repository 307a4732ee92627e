"""What the search for a culprit looks at: the figures around an alarm, who calls whom, what was counted and timed."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

GUARD = 3  # samples before the alarm that may show the fault already: an alarm may be late


class Column(Struct, frozen=True):
    """One metric of one entity (a pod, a host, the service itself)."""

    service: str
    metric: str
    entity: str = ""


class Counts(Struct, frozen=True):
    """How often each thing (a log template, an operation) happened now and in windows of the past, a row each."""

    services: Sequence[str]
    names: Sequence[str]
    now: Floats
    past: Floats
    spoken: bool = True  # lines of a log, of which words can be read


class Timings(Struct, frozen=True):
    """Of each operation: calls, and the milliseconds that a caller waited beyond its span (gap), or spent inside of it.

    Rows are windows, the first of them now; nan where nothing is known.
    """

    services: Sequence[str]
    calls: Floats
    gap_ms: Floats
    own_ms: Floats


class Window(Struct, frozen=True, kw_only=True):
    """The figures around one alarm; rows are samples, evenly spaced."""

    columns: Sequence[Column]
    before: Floats
    after: Floats
    services: Sequence[str]
    calls: Sequence[tuple[str, str]] = ()  # (caller, callee)
    target: tuple[str, str] | None = None  # the service and metric whose objective was breached
    counts: Sequence[Counts] = ()
    timings: Timings | None = None

    @property
    def places(self) -> dict[str, int]:
        return {service: place for place, service in enumerate(self.services)}


def quantiles(values: Floats, shares: Sequence[float]) -> list[Floats]:
    """Of each column, by linear interpolation; nan is left out, a column of nothing else gives nan."""
    if not len(values):
        return [np.full(values.shape[1], np.nan) for _ in shares]
    ordered = np.sort(values, axis=0)  # nan comes last
    last = np.maximum(np.sum(~np.isnan(ordered), axis=0) - 1, 0)
    every = np.arange(values.shape[1])
    found = []
    for share in shares:
        at = share * last
        low = np.floor(at).astype(np.intp)
        high = np.minimum(low + 1, last)
        lower = ordered[low, every]
        found.append(lower + (ordered[high, every] - lower) * (at - low))
    return found


def strongest(values: Floats, owners: Numbers, services: int) -> Floats:
    """The greatest value of each service; 0 for one that has none."""
    found = np.zeros(services)
    known = owners >= 0
    np.maximum.at(found, owners[known], values[known])
    return found
