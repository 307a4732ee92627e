"""Runs agents: feeds them, stamps and records what they decide, folds it, delivers it.

Deciding, recording and folding are one step without an await. One handling is one journal record, also when nothing
follows, so a replay never decides again what was decided.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from msgspec import MsgspecError
from msgspec.structs import force_setattr

from agents.agent import Agent
from agents.events import EventQuarantined, FixStarted
from agents.running.cell import Cell
from utils.bus import Ring
from utils.event import Event, Fact, Record, Telemetry
from utils.structured_logger import get_logger

log = get_logger("runner")


class UnrecordableError(ValueError):
    """What was decided cannot be written down, so nothing of it happened."""


class Journal(Protocol):
    @property
    def position(self) -> int: ...
    def append(self, agent: str, handled: str, results: Sequence[Any]) -> Record: ...
    async def durable(self, position: int) -> bool: ...
    def hasten(self) -> None: ...
    def read(self, after: int) -> Iterator[Record]: ...


class InHand(Protocol):
    """The page that survives the process: which event each agent has in hand."""

    def begin(self, agent: str, event_id: str) -> None: ...
    def end(self, agent: str, event_id: str) -> None: ...


def fact_id(cause: str, agent: str, n: int) -> str:
    """The same decision on the same event has the same id, in every run."""
    return blake2b(f"{cause}:{agent}:{n}".encode(), digest_size=8).hexdigest()


def random_id() -> str:
    return secrets.token_hex(8)


class Runner:
    def __init__(
        self,
        journal: Journal,
        now: Callable[[], float],
        in_hand: InHand,
        deaths: dict[str, int] | None = None,
        new_id: Callable[[], str] = random_id,
        clean: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self.journal = journal
        self.now = now
        self.in_hand = in_hand
        self.deaths = deaths or {}
        self.new_id = new_id
        self.clean = clean
        self.cells: dict[str, Cell] = {}
        self.listeners: list[Callable[[Record], None]] = []
        self._consumers: dict[type, list[Cell]] = {}
        self._rings: dict[type, Ring] = {}
        self._samples_seen = 0
        self._act_permitted = False

    # --- making ---

    def add(self, build: Callable[[], Agent]) -> Cell:
        cell = Cell(build, self.journal)
        self.cells[cell.name] = cell
        for kind in cell.facts:
            self._consumers.setdefault(kind, []).append(cell)
        self._subscribe(cell)
        return cell

    def _subscribe(self, cell: Cell) -> None:
        for kind in cell.telemetry:
            cell.inbox.subscribe(self._rings.setdefault(kind, Ring()))

    def rebuild(self, cell: Cell, state: Any | None, header: Any | None) -> None:
        """A new agent from saved state; its telemetry starts now."""
        cell.rebuild(state, header)
        cell.quarantined_in_row = 0
        self._subscribe(cell)

    # --- saying ---

    def publish(self, events: Sequence[Event]) -> None:
        """Stamp and deliver telemetry of one type."""
        if not events:
            return
        at, n = self.now(), self._samples_seen
        for event in events:
            n += 1
            force_setattr(event, "at", at)
            force_setattr(event, "id", f"t{n}")
        self._samples_seen = n
        ring = self._rings.get(type(events[0]))
        if ring is not None:
            ring.extend(events)

    def say(self, agent: str, events: Sequence[Event], because: Event | None = None) -> Record | None:
        """Record facts that no handling produced, and publish telemetry."""
        facts = [event for event in events if isinstance(event, Fact)]
        for event in events:
            if isinstance(event, Telemetry):
                self.publish([event])
        if not facts:
            return None
        return self.record(agent, None, facts, because)

    def record(
        self, agent: str, handled: Fact | None, facts: Sequence[Event], because: Event | None
    ) -> Record:
        if facts:
            self._stamp(agent, handled, facts, because)
            self.clean(facts)
        try:
            record = self.journal.append(agent, handled.id if handled is not None else "", facts)
        except (TypeError, ValueError, RecursionError, MsgspecError) as error:
            raise UnrecordableError(f"{agent}: {error!r}") from error
        cell = self.cells.get(agent)
        if cell is not None:
            if handled is not None and not (facts and type(facts[0]) is EventQuarantined):
                cell.agent.apply(handled)
            for fact in facts:
                cell.agent.apply(fact)
        if facts:
            self._deliver(record)
        return record

    def _stamp(self, agent: str, handled: Fact | None, facts: Sequence[Event], because: Event | None) -> None:
        at = self.now()
        origin = handled or because
        for n, fact in enumerate(facts):
            fact_or_new = fact_id(handled.id, agent, n) if handled is not None else self.new_id()
            force_setattr(fact, "id", fact_or_new)
            force_setattr(fact, "at", at)
            if origin is None:
                continue
            force_setattr(fact, "cause", origin.id)
            if not fact.incident:
                force_setattr(fact, "incident", origin.incident)
            if not fact.service:
                force_setattr(fact, "service", origin.service)

    def hasten(self) -> None:
        """At the end of a sweep, so that acts that were permitted together share one fsync: hands will ask for it."""
        if self._act_permitted:
            self._act_permitted = False
            self.journal.hasten()

    def _deliver(self, record: Record) -> None:
        for n, fact in enumerate(record.results):
            consumers = self._consumers.get(type(fact), ())
            if type(fact) is FixStarted:
                self._act_permitted = True
                consumers = [cell for cell in consumers if cell.concerns(fact)]
            for cell in consumers:
                if cell.name != record.agent:  # its own word it has folded already
                    cell.offer(record.position, n, fact)
        for listener in self.listeners:
            try:
                listener(record)
            except Exception as error:  # who only watches may not fail those who heal
                log.exception("listener_failed", position=record.position, error=repr(error))
