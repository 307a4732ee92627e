"""Writes each fact to the log when it happens, so that a log reader can follow an incident without the journal."""

from agents.events import EventQuarantined, Fact, IncidentEscalated, StorageChanged
from dashboard.timeline import describe
from utils.event import Record
from utils.structured_logger import get_logger

log = get_logger("diary")
WORTH_A_WARNING = (IncidentEscalated, EventQuarantined)


def write(record: Record) -> None:
    """A listener of the runner; untrusted text is in it only as far as people are shown it."""
    for fact in record.results:
        say = log.warning if _is_grave(fact) else log.info
        say(
            describe(fact),
            type=type(fact).__name__,
            agent=record.agent,
            incident=fact.incident,
            service=fact.service,
            event_id=fact.id,
            cause=fact.cause,
        )


def _is_grave(fact: Fact) -> bool:
    return isinstance(fact, WORTH_A_WARNING) or (isinstance(fact, StorageChanged) and not fact.ok)
