"""Turns a Prometheus scrape into series worth judging: counters become rates, sum and count become a mean.

>>> [source.name for source in sources(("rss_mib", "hits_total{path=\\"/\\"}", "wait_sum", "wait_count", "wait_bucket{le=\\"1\\"}"))]
['rss_mib', 'hits_per_s{path="/"}', 'wait_per_s', 'wait_mean']
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

Kind = Literal["gauge", "rate", "mean"]

RESOURCES = frozenset({"cpu_percent", "rss_mib", "threads", "open_files"})
_SKIPPED = ("_bucket", "_created", "_info", "_timestamp_seconds", "_time_seconds")
_MARKED = (*_SKIPPED, "_count", "_sum", "_total")

# The least spread that a series of this unit may show and still be called calm.
_FLOORS: tuple[tuple[str, float], ...] = (
    ("cpu_percent", 5.0),
    ("rss_mib", 4.0),
    ("threads", 2.0),
    ("open_files", 4.0),
    ("_seconds_mean", 0.005),
    ("_seconds", 0.005),
    ("_ms", 5.0),
    ("_bytes", 2.0**20),
    ("_ratio", 0.02),
    ("_percent", 2.0),
)
FLOOR = 0.5
SHARE = 0.25  # of the usual level; memory is steadier
MEMORY_SHARE = 0.05


class Source(Struct, frozen=True, gc=False):
    """One series: where its value stands in the scrape, and what makes it calm."""

    name: str
    kind: Kind
    index: int  # of the value; of the sum for a mean
    per: int = -1  # of the count for a mean
    floor: float = FLOOR
    share: float = SHARE
    only_up: bool = False
    resource: bool = False  # belongs to one life of the process


def sources(names: Sequence[str]) -> list[Source]:
    places = {name: index for index, name in enumerate(names)}
    found: list[Source] = []
    for name, index in places.items():
        if name.partition("{")[0].endswith(_MARKED):
            found += _counted(name, index, places)
        else:
            found.append(_source(name, "gauge", index))
    return found


def _counted(name: str, index: int, places: dict[str, int]) -> list[Source]:
    """What is no gauge, or nothing to judge."""
    base, brace, labels = name.partition("{")
    if base.endswith(_SKIPPED):
        return []
    if base.endswith("_count"):
        stem = base.removesuffix("_count")
        rate = _source(f"{stem}_per_s{brace}{labels}", "rate", index)
        total = places.get(f"{stem}_sum{brace}{labels}")
        if total is None:
            return [rate]
        return [rate, _source(f"{stem}_mean{brace}{labels}", "mean", total, index)]
    if base.endswith("_total"):
        return [_source(f"{base.removesuffix('_total')}_per_s{brace}{labels}", "rate", index)]
    if base.endswith("_sum") and f"{base.removesuffix('_sum')}_count{brace}{labels}" in places:
        return []
    return [_source(name, "rate", index)]


def _source(name: str, kind: Kind, index: int, per: int = -1) -> Source:
    floor, share, resource, own = _manner(name.partition("{")[0])
    return Source(name, kind, index, per, floor, share, resource or kind == "mean", own)


@lru_cache(maxsize=4096)
def _manner(base: str) -> tuple[float, float, bool, bool]:
    """(floor, share, whether it is a resource of ours, whether it belongs to one life)."""
    floor = next((floor for suffix, floor in _FLOORS if base.endswith(suffix)), FLOOR)
    resource = base in RESOURCES
    return (
        floor,
        MEMORY_SHARE if base == "rss_mib" else SHARE,
        resource,
        resource or base.startswith("process_"),
    )
