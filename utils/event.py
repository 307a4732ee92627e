"""What every event carries: the base of facts (journalled) and telemetry (never journalled)."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """Something that happened. The runner stamps `id`, `cause`, `incident`, `service` and `at` before anyone sees it.

    `id` is a hash of (cause, agent, n), random for what is born outside; `cause` is the id of the event whose
    handling produced this one; `at` is seconds on the daemon's steady clock.
    """

    id: str = ""
    cause: str = ""
    incident: str = ""
    service: str = ""
    at: float = 0.0


class Fact(Event, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """An event that the journal keeps for ever."""


class UnknownFact(Fact, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """A fact in an old journal for which this version has no class; nobody consumes it."""

    kind: str = ""
    raw: bytes = b""


class Telemetry(Event, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """An event that may be lost: samples and ticks."""


Results = Sequence[Event]


class Record(Struct, frozen=True, omit_defaults=True, gc=False):
    """One handling by one agent; `handled` is empty for facts that were born outside."""

    position: int
    agent: str
    handled: str = ""
    results: Sequence[Any] = ()
