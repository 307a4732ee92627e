"""One agent at run time: its inbox, its counters, and how its state is saved and rebuilt."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from msgspec import Struct

from agents.agent import Agent
from agents.events import EventQuarantined, FixStarted
from utils.bus import Inbox
from utils.event import Fact, Record


class ReadableJournal(Protocol):
    @property
    def position(self) -> int: ...
    def read(self, after: int) -> Iterator[Record]: ...


class Header(Struct, frozen=True):
    """How far a saved state reaches: own records are folded to `position`, facts were offered up to `read_to`,
    those still open stand in `unhandled`, and replay reads from `since`."""

    position: int = 0
    read_to: int = 0
    unhandled: tuple[str, ...] = ()
    since: int = 1


class Counters(Struct):
    handled: int = 0
    samples: int = 0
    failed: int = 0
    samples_failed: int = 0
    quarantined: int = 0
    abandoned: int = 0  # handlings that ignored their cancellation
    starts: int = 0


class Cell:
    """Lives as long as the daemon; the agent inside is built anew at each restart."""

    def __init__(self, build: Callable[[], Agent], journal: ReadableJournal) -> None:
        self.build = build
        self.journal = journal
        self.agent = build()
        self.name = self.agent.name
        self.counters = Counters()
        self.began_at = 0.0  # its present life; 0: it has none
        self.quarantined_in_row = 0
        self.header = Header()
        self.has_snapshot = False
        self.lost: tuple[str, ...] = ()  # facts that it had not handled and that no journal holds any more
        self.inbox = Inbox(self._fetch)
        self.facts = frozenset(t for t in self.agent.consumes if issubclass(t, Fact))
        self.telemetry = tuple(t for t in self.agent.consumes if not issubclass(t, Fact))
        self.unhurried: frozenset[type] = frozenset(getattr(self.agent, "unhurried", ()))
        self.urgent: frozenset[type] = frozenset(getattr(self.agent, "urgent", ()))
        if self.telemetry and inspect.iscoroutinefunction(self.agent.handle):
            raise TypeError(f"{self.name}: an async handle cannot consume telemetry, which is never awaited")
        self.plain = not inspect.iscoroutinefunction(self.agent.handle)

    def lane(self, fact: Fact) -> str:
        """Plain agents handle in journal order; hands have a lane for each service, and one for what cannot wait."""
        if self.plain:
            return ""
        return "!" + fact.service if type(fact) in self.urgent else fact.service

    def concerns(self, fact: Fact) -> bool:
        """An act is the business of the hands that it names; who only thinks hears of every one."""
        return type(fact) in self.facts and (
            self.plain or not isinstance(fact, FixStarted) or fact.agent == self.name
        )

    def offer(self, position: int, n: int, fact: Fact) -> None:
        self.inbox.offer(position, n, self.lane(fact), fact, hurried=type(fact) not in self.unhurried)

    def lag_s(self, now: float) -> float:
        """How long the oldest fact that could be handled has been waiting."""
        item = self.inbox.oldest_waiting()
        return 0.0 if item is None or item.fact is None else max(now - item.fact.at, 0.0)

    def mark(self) -> Header:
        """The header for a state copied at this very instant."""
        unhandled = self.inbox.unhandled()
        position = self.journal.position  # what is recorded is offered in the same step
        since = min([position + 1, *unhandled.values()])
        return Header(position=position, read_to=position, unhandled=tuple(unhandled), since=since)

    def rebuild(self, state: Any | None, header: Header | None) -> None:
        """Fold the saved state and the journal behind it; what was offered and not handled is offered again."""
        self.agent = self.build()
        self.inbox.unsubscribe()
        self.inbox = Inbox(self._fetch)
        if state is not None:
            self.agent.state = state
        self.has_snapshot = header is not None
        saved = header or Header()
        unhandled = set(saved.unhandled)
        waiting = self._replay(saved, unhandled)
        self.lost = tuple(unhandled)
        for position, n, fact in waiting.values():
            self.offer(position, n, fact)

    def _replay(self, saved: Header, unhandled: set[str]) -> dict[str, tuple[int, int, Fact]]:
        """What it has to handle; `unhandled` is left with what cannot be found."""
        waiting: dict[str, tuple[int, int, Fact]] = {}
        for record in self.journal.read(saved.since - 1):
            if record.agent == self.name:
                handled = waiting.pop(record.handled, None)
                if record.position > saved.position:
                    self._fold(record, handled)
                continue
            for n, fact in enumerate(record.results):
                if self.concerns(fact) and (record.position > saved.read_to or fact.id in unhandled):
                    waiting[fact.id] = (record.position, n, fact)
                unhandled.discard(fact.id)
        return waiting

    def _fold(self, record: Record, handled: tuple[int, int, Fact] | None) -> None:
        if handled is not None and not any(type(fact) is EventQuarantined for fact in record.results):
            self.agent.apply(handled[2])
        for fact in record.results:
            self.agent.apply(fact)

    def _fetch(self, position: int, fact_id: str) -> Fact:
        record = next(iter(self.journal.read(position - 1)))
        return cast("Fact", next(fact for fact in record.results if fact.id == fact_id))
