"""Writes each fact to the log, so that a log reader can follow an incident without the journal."""

from agents.events import EventQuarantined, Fact, IncidentEscalated, StorageChanged
from dashboard.timeline import describe
from utils.event import Record
from utils.structured_logger import get_logger

log = get_logger("diary")
WORTH_A_WARNING = (IncidentEscalated, EventQuarantined)


def write(record: Record) -> None:
    """A listener of the runner. Untrusted text is in its lines only as far as people are shown it."""
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
