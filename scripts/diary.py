"""Writes each fact to the log, so that a log reader can follow an incident without the journal."""

import asyncio

from agents.events import EventQuarantined, Fact, IncidentEscalated, StorageChanged
from dashboard.timeline import describe
from utils.event import Record
from utils.structured_logger import get_logger

log = get_logger("diary")
WORTH_A_WARNING = (IncidentEscalated, EventQuarantined)
LATER_S = 0.05  # a line costs 70 µs, which no fix shall wait for


class Diary:
    """A listener of the runner. Untrusted text is in its lines only as far as people are shown it."""

    def __init__(self) -> None:
        self._waiting: list[Record] = []

    def record(self, record: Record) -> None:
        if not self._waiting and record.results:
            asyncio.get_running_loop().call_later(LATER_S, self.write)
        if record.results:
            self._waiting.append(record)

    def write(self) -> None:
        """What waits, now."""
        records, self._waiting = self._waiting, []
        for record in records:
            for fact in record.results:
                _write(record.agent, fact)


def _write(agent: str, fact: Fact) -> None:
    grave = isinstance(fact, WORTH_A_WARNING) or (isinstance(fact, StorageChanged) and not fact.ok)
    say = log.warning if grave else log.info
    say(
        describe(fact),
        type=type(fact).__name__,
        agent=agent,
        incident=fact.incident,
        service=fact.service,
        event_id=fact.id,
        cause=fact.cause,
    )
