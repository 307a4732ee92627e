"""The part of the vocabulary that says what was learnt and which settings were changed; imported from agents.events."""

from collections.abc import Mapping, MutableMapping
from typing import Literal

from msgspec.structs import replace

from config.model import Service
from utils.event import Fact, Telemetry

STRETCH = (
    "probe_stretch"  # a setting: times the interval of a probe, with a second look at once after a bad one
)
Topic = Literal["ladder", "wait", "boot", "verify"]


# --- learn: adaptive_recovery
class LessonLearned(Fact, frozen=True, kw_only=True):
    """What outcomes say about how to treat a service; without it, or once it is `dropped`, things are done as configured."""

    topic: Topic
    cause_name: str = ""  # of ladder and wait
    order: tuple[str, ...] = ()  # of fixes, the one to try first first
    value: float = 0.0  # seconds to wait or to boot, times the usual verification
    outcomes: float = 0.0  # from how many, as far as they still count
    low: float = 0.0  # an interval that holds what the value stands for nine times in ten
    high: float = 0.0
    at_most: float = 0.0  # the declared bound of the value
    why: str = ""  # one sentence for people
    dropped: bool = False


# --- learn: performance_learner
class NormExpected(Telemetry, frozen=True, kw_only=True):
    """What is usual for a service in the present hour of the week: parallel arrays, from the 10 % to the 90 % quantile."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    expected: tuple[float, ...]
    high: tuple[float, ...]


class DecayNoticed(Fact, frozen=True, kw_only=True):
    """A figure gets worse from day to day, too slowly for any window. Told; it opens no incident."""

    metric: str
    before: float  # at the beginning of the days
    now: float
    days: int
    per_day: float
    why: str = ""


# --- learn: system_optimizer
class SettingChanged(Fact, frozen=True, kw_only=True):
    """One setting within its declared bounds, measured before and after. One is tried at a time; it is kept where it did what
    it was made for, else undone, as it is when there is trouble again."""

    step: Literal["tried", "kept", "undone"]
    setting: str
    value: float  # in force from now on
    before: float
    probes_per_h: float = 0.0  # as measured until now
    detection_s: float = 0.0
    rests_s: float = 0.0  # for which it is not tried again
    why: str = ""


class SettingProposed(Fact, frozen=True, kw_only=True):
    """What only people may change: it is told and nothing else."""

    setting: str
    value: float
    before: float
    why: str = ""


def lesson_key(topic: str, service: str, cause: str = "") -> str:
    """
    >>> lesson_key("ladder", "shop", "hang"), lesson_key("boot", "shop")
    ('ladder:shop/hang', 'boot:shop')
    """
    return f"{topic}:{service}/{cause}" if cause else f"{topic}:{service}"


def take(table: MutableMapping[str, float], fact: LessonLearned, *topics: Topic) -> None:
    """Fold the value of a lesson into a table of whoever goes by it."""
    if fact.topic in topics:
        key = lesson_key(fact.topic, fact.service, fact.cause_name)
        if fact.dropped:
            table.pop(key, None)
        else:
            table[key] = fact.value


def keep(table: MutableMapping[str, LessonLearned], fact: LessonLearned) -> None:
    """Fold a lesson into a table of those in force."""
    table.pop(key := lesson_key(fact.topic, fact.service, fact.cause_name), None)
    if not fact.dropped:
        table[key] = fact


def patient(service: Service, table: Mapping[str, float]) -> Service:
    """The service with the time that its boots were seen to need, where that is more than declared."""
    taught_s = table.get(lesson_key("boot", service.name), 0.0)
    return replace(service, start_timeout_s=taught_s) if taught_s > service.start_timeout_s else service
