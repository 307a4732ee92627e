"""The last half hour of a few metrics of each service, for the charts of reports; bounded whatever services export."""

from array import array
from collections.abc import Iterable

from msgspec import Struct

KEPT_S = 1800.0
LONGEST = 720  # points of one metric
METRICS = 24  # of one service; its own figures come first
OWN = ("probe_latency_s", "cpu_percent", "rss_mib", "open_files", "threads")


class Curve(Struct, frozen=True):
    """Parallel arrays; `at` rises."""

    service: str
    metric: str
    at: tuple[float, ...]
    values: tuple[float, ...]


class _Ring:
    __slots__ = ("at", "values")

    def __init__(self) -> None:
        self.at = array("d")
        self.values = array("d")

    def add(self, at: float, value: float) -> None:
        self.at.append(at)
        self.values.append(value)
        if len(self.at) > 2 * LONGEST:  # seldom, so that it costs little
            del self.at[:LONGEST], self.values[:LONGEST]


class Curves:
    def __init__(self) -> None:
        self._rings: dict[str, dict[str, _Ring]] = {}

    def add(self, service: str, names: Iterable[str], values: Iterable[float], at: float) -> None:
        rings = self._rings.setdefault(service, {})
        for name, value in zip(names, values, strict=True):
            ring = rings.get(name)
            if ring is None:
                if name not in OWN and len(rings) >= METRICS:
                    continue
                ring = rings[name] = _Ring()
            ring.add(at, value)

    def of(self, service: str, metric: str, since: float, until: float) -> Curve | None:
        """None where fewer than two points lie between the two moments."""
        ring = self._rings.get(service, {}).get(metric)
        if ring is None:
            return None
        inside = [n for n, at in enumerate(ring.at) if since <= at <= until][-LONGEST:]
        if len(inside) < 2:
            return None
        return Curve(
            service, metric, tuple(ring.at[n] for n in inside), tuple(ring.values[n] for n in inside)
        )

    def metrics(self, service: str) -> tuple[str, ...]:
        return tuple(self._rings.get(service, ()))
