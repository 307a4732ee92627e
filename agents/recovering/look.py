"""A fresh look before an act touches anything: the symptom may be gone."""

from agents.events import FixStarted
from agents.recovering.state import Seen
from config.model import Service
from platforms.actions import START
from platforms.platform import Platform, Prober

GROWING = frozenset({"memory_leak", "disk_full", "connection_exhaustion", "state_corruption"})


async def symptom_gone(
    platform: Platform,
    prober: Prober,
    act: FixStarted,
    steps: tuple[str, ...],
    service: Service,
    word: Seen | None,
) -> str:
    """Why nothing needs to be done, or "". `word` is what the monitor last said."""
    living = platform.current(service.name)
    if steps[0] == START:
        return "it runs again" if living is not None else ""
    if living is None or service.probe is None or act.cause_name in GROWING:
        return ""
    if word is not None and word.health == "healthy" and word.at <= act.at:
        return ""  # its own probe was good all the time: the symptom is elsewhere
    sample = platform.sample(service.name)
    if sample is not None and sample.state == "T":
        return ""  # no need to wait for the answer of one that a signal has stopped
    return "its probe is good again" if (await prober.probe(service, service.probe)).ok else ""
