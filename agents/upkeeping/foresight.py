"""What is foreseen hours ahead: trends of samples towards their ceilings, what the predictor says, lives that wear out."""

from collections import deque
from collections.abc import Iterable, Iterator
from statistics import median

from agents.events import ServiceSampled
from agents.upkeeping.state import Foreseen, State
from analysis.exhaustion import Series
from analysis.wear import worn_at_s
from config.model import Limits, Service

HORIZON_S = 6 * 3600.0  # of the trend: it is seen for up to so long, and up to four times as far ahead
WARMUP_S = 1800.0
SLICE_S = 300.0
LOADS = ("requests_per_second", "http_requests_per_second", "http_requests_per_s", "cpu_percent")
HOUR_S, DAY_S = 3600.0, 86_400.0
LONGEST_SEARCHED = 1000  # metrics of one scrape; a longer one would cost more than it tells
CEILINGS = {"rss_mib": "memory_leak", "open_files": "connection_exhaustion"}
WEAR = "wear"


class Course:
    """One metric in one life of a service: medians of slices, and the trend that they show."""

    def __init__(self, incarnation: str, limit: float) -> None:
        self.incarnation, self.limit = incarnation, limit
        self.level = 0.0  # of the slice before
        self._hours: deque[tuple[float, float]] = deque(maxlen=26)  # a level an hour
        self._series = Series(incarnation, slow=False)  # its horizon is hours itself
        self._slice: list[float] = []

    def add(self, value: float) -> None:
        self._slice.append(value)

    def look(self, at: float) -> tuple[float, float] | None:
        """Seconds until the ceiling and how sure that is, once it is foreseen."""
        if not self._slice:
            return None
        self.level, self._slice = median(self._slice), []
        if not self._hours or at - self._hours[-1][0] >= HOUR_S:
            self._hours.append((at, self.level))
        outlook = self._series.add(at, self.level, self.limit, horizon_s=HORIZON_S, warmup_s=WARMUP_S)
        return (outlook.lead_time_s, outlook.confidence) if outlook else None

    def rises_daily(self, lead_s: float, at: float) -> bool:
        """Beside the same hour of yesterday it has risen by half at least of what this pace makes of a day."""
        before = next((level for seen_at, level in self._hours if abs(at - DAY_S - seen_at) <= HOUR_S), None)
        return before is not None and self.level - before >= (self.limit - self.level) / lead_s * DAY_S / 2


class Foresight:
    """Caches: after a start they fill again within an hour, while plans stand."""

    def __init__(self) -> None:
        self._courses: dict[str, Course] = {}
        self._hour: dict[str, tuple[float, int]] = {}  # sum and count of loads

    def see(self, sample: ServiceSampled, service: Service) -> None:
        for metric, limit in ceilings(service.limits):
            value = _value(sample, metric)
            if value is None:
                continue
            key = f"{service.name}/{metric}"
            course = self._courses.get(key)
            if course is None or (course.incarnation, course.limit) != (sample.incarnation, limit):
                course = self._courses[key] = Course(sample.incarnation, limit)
            course.add(value)
        if len(sample.names) <= LONGEST_SEARCHED:
            loads = (load for name in LOADS if (load := _value(sample, name)) is not None)
            if (load := next(loads, None)) is not None:
                total, count = self._hour.get(service.name, (0.0, 0))
                self._hour[service.name] = (total + load, count + 1)

    def end_hour(self) -> dict[str, float]:
        """The mean load of each service since the last call."""
        loads = {name: round(total / count, 4) for name, (total, count) in self._hour.items()}
        self._hour.clear()
        return loads

    def look(self, state: State, services: Iterable[Service], at: float) -> dict[str, Foreseen]:
        """Everything that is foreseen now, by service and metric."""
        found: dict[str, Foreseen] = {}
        for service in services:
            for metric, limit in ceilings(service.limits):
                key = f"{service.name}/{metric}"
                course = self._courses.get(key)
                outlook = course.look(at) if course is not None else None
                if course is not None and outlook is not None and _lives(state, service.name, course):
                    found[key] = _by_trend(service.name, metric, course, outlook, limit, at)
            if worn := _by_wear(state, service.name):
                found[f"{service.name}/{WEAR}"] = worn
        told = {
            key: known
            for key, known in state.told.items()
            if key not in self._courses and at <= known.fails_at
        }
        return found | told

    def forget(self, names: Iterable[str]) -> None:
        gone = set(names)
        for key in [key for key in self._courses if key.rpartition("/")[0] in gone]:
            del self._courses[key]


def _value(sample: ServiceSampled, metric: str) -> float | None:
    try:
        return sample.values[sample.names.index(metric)]
    except ValueError:
        return None


def _lives(state: State, name: str, course: Course) -> bool:
    """Not a life that has ended since."""
    life = state.lives.get(name)
    return life is None or life.incarnation == course.incarnation


def ceilings(limits: Limits) -> Iterator[tuple[str, float]]:
    if limits.memory_mib is not None:
        yield "rss_mib", limits.memory_mib
    if limits.open_files is not None:
        yield "open_files", float(limits.open_files)


def _by_trend(
    name: str, metric: str, course: Course, outlook: tuple[float, float], limit: float, at: float
) -> Foreseen:
    lead_s, confidence = outlook
    return Foreseen(
        service=name, failure=CEILINGS[metric], metric=metric, fails_at=at + lead_s, confidence=confidence,
        incarnation=course.incarnation,
        proven=course.rises_daily(lead_s, at),
        reasons=(f"{metric} is {course.level:.0f} and reaches {limit:g} in about {lead_s / 3600:.1f} h",),
    )  # fmt: skip


def _by_wear(state: State, name: str) -> Foreseen | None:
    life, ages = state.lives.get(name), state.ages.get(name, ())
    worn_s = worn_at_s(ages)
    if life is None or worn_s is None:
        return None
    past = ", ".join(f"{age / 3600:.1f}" for age in ages[-4:])
    return Foreseen(
        service=name, failure=WEAR, metric=WEAR, fails_at=life.since + worn_s, confidence=0.9, incarnation=life.incarnation,
        reasons=(f"its last lives ended by themselves after {past} h",),
    )  # fmt: skip
