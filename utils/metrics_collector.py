"""Metrics in the Prometheus text format 0.0.4, rendered in short pieces so that a scrape never holds up the loop."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from math import isinf, isnan
from typing import Literal

from msgspec import Struct

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LINES_PER_PIECE = 500  # about a millisecond
PREFIXES_KEPT = 50_000

Labels = tuple[str, ...]


class Family(Struct, frozen=True, kw_only=True):
    """One metric. `samples` are (label values, value); it is read lazily and must not change meanwhile.

    A histogram has `histograms` in place of samples.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()
    samples: Iterable[tuple[Labels, float]] = ()
    histograms: Iterable[tuple[Labels, "Histogram"]] = ()


class Histogram:
    """Counts of observations up to each bound.

    >>> seconds = Histogram((1.0, 5.0))
    >>> seconds.observe(0.5); seconds.observe(7.0)
    >>> list(seconds.cumulative())
    [('1', 1), ('5', 1), ('+Inf', 2)]
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        at = next((n for n, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        self.counts[at] += 1
        self.sum += value

    def cumulative(self) -> Iterator[tuple[str, int]]:
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            total += count
            yield number(bound), total


def number(value: float) -> str:
    """
    >>> number(3.0), number(0.25), number(float("inf")), number(float("nan"))
    ('3', '0.25', '+Inf', 'NaN')
    """
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def quoted(text: str) -> str:
    return escaped(text).replace('"', r"\"")


class Renderer:
    """Keeps the unchanging part of each line between scrapes."""

    def __init__(self, prefixes_kept: int = PREFIXES_KEPT) -> None:
        self._kept = prefixes_kept
        self._prefixes: dict[tuple[str, Labels], str] = {}

    async def render(self, families: Iterable[Family]) -> bytes:
        """The whole exposition, made in pieces between which others run."""
        lines = self._lines(families)
        pieces: list[str] = []
        while piece := "".join(islice(lines, LINES_PER_PIECE)):
            pieces.append(piece)
            await asyncio.sleep(0)
        return "".join(pieces).encode("utf-8", "replace")

    def _lines(self, families: Iterable[Family]) -> Iterator[str]:
        for family in families:
            yield f"# HELP {family.name} {escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"
            for values, value in family.samples:
                yield f"{self._prefix(family.name, family.labels, values)}{number(value)}\n"
            for values, histogram in family.histograms:
                yield from self._histogram(family, values, histogram)

    def _histogram(self, family: Family, values: Labels, histogram: Histogram) -> Iterator[str]:
        total = 0
        for bound, total in histogram.cumulative():
            prefix = self._prefix(f"{family.name}_bucket", (*family.labels, "le"), (*values, bound))
            yield f"{prefix}{total}\n"
        yield f"{self._prefix(f'{family.name}_sum', family.labels, values)}{number(histogram.sum)}\n"
        yield f"{self._prefix(f'{family.name}_count', family.labels, values)}{total}\n"

    def _prefix(self, name: str, labels: Labels, values: Labels) -> str:
        key = (name, values)
        found = self._prefixes.get(key)
        if found is None:
            if len(self._prefixes) >= self._kept:  # label values that come and go may not pile up
                self._prefixes.clear()
            pairs = ",".join(
                f'{label}="{quoted(value)}"' for label, value in zip(labels, values, strict=True)
            )
            found = self._prefixes[key] = f"{name}{{{pairs}}} " if pairs else f"{name} "
        return found
