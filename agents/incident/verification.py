"""When a fix counts as having helped, when as having failed, and when a symptom counts as gone: pure rules."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from agents.events import HealthChanged, ProbeObserved
from agents.incident.records import Act, Incident
from agents.lessons import patient
from agents.terms import FROM_OUTSIDE
from config.model import Config
from platforms.probing.rounds import FROZEN

LIVED_S = 1.0  # less, and it may be what the act made that is being killed
ALIVE_S = 3.0  # a service without a probe has to live this long
SLACK_S = 5.0
LOOKED_AT_S = 1.0  # at least so often while an incident is open
BAD_PROBES = 2  # in a row: one alone may be noise
WAIT = "wait"
NOTHING_TAUGHT: Mapping[str, float] = MappingProxyType({})
BAD = ("down", "unhealthy")
UNSEEN_END = "found_dead"
EXITS = ("exit", UNSEEN_END)


class Streak(Struct, frozen=True, gc=False):
    """How many probes in a row of one incarnation were good, or bad."""

    incarnation: str = ""
    good: int = 0
    bad: int = 0

    def after(self, probe: ProbeObserved) -> "Streak":
        if probe.ok is None:  # nobody can tell
            return self
        same = probe.incarnation == self.incarnation
        if probe.ok:
            return Streak(probe.incarnation, (self.good if same else 0) + 1, 0)
        return Streak(probe.incarnation, 0, (self.bad if same else 0) + 1)


def needed_probes(config: Config, factor: int) -> int:
    return config.windows.good_probes_to_verify * factor


def window_s(
    config: Config, incident: Incident, act: Act, factor: int, taught: Mapping[str, float] = NOTHING_TAUGHT
) -> float:
    """How long after the act success may take."""
    service = config.service(incident.service)
    if service is None:
        return SLACK_S
    probe = service.probe
    if act.fix == WAIT:
        closely_s = min(probe.interval_s, LOOKED_AT_S) + probe.timeout_s if probe else ALIVE_S
        return max(act.patience_s or config.windows.passive_wait_s, BAD_PROBES * closely_s)
    round_s = probe.interval_s + probe.timeout_s if probe else ALIVE_S
    return patient(service, taught).start_timeout_s + needed_probes(config, factor) * round_s * 2 + SLACK_S


def life_counts(incident: Incident, act: Act, incarnation: str) -> bool:
    """Whether what this incarnation shows says anything about the act."""
    if act.target != incident.service:
        return True
    if incident.kind == "prediction" and act.how != "symptom_gone" and incarnation == incident.incarnation:
        return False  # the life that was about to fail is not cured by answering well
    return not act.after or not incarnation or incarnation == act.after


def fails_by_health(incident: Incident, act: Act, fact: HealthChanged) -> bool:
    """Waiting, and the callers of a culprit, fail by their deadline only, unless the process itself ends."""
    if fact.health not in BAD:
        return False
    own_end = fact.service == incident.service and fact.symptom in EXITS
    if act.fix == WAIT:
        return own_end
    if fact.service == act.target:
        return not act.after or not fact.incarnation or fact.incarnation == act.after
    return own_end


def fails_by_probe(incident: Incident, act: Act, streak: Streak) -> bool:
    patient = act.fix == WAIT or act.target != incident.service
    return not patient and streak.bad >= BAD_PROBES and life_counts(incident, act, streak.incarnation)


def symptom_gone(incident: Incident, incarnation: str) -> bool:
    """Whether good health of this incarnation means that there is nothing left to heal."""
    if incident.damaged:
        return False
    return incident.kind != "prediction" or bool(incarnation and incarnation != incident.incarnation)


def struck(fact: HealthChanged) -> bool:
    """Ended or stopped by a signal that somebody sent."""
    return fact.signal in FROM_OUTSIDE or fact.process_state in {"T", "t"}


def interrupts(act: Act, fact: HealthChanged | ProbeObserved) -> bool:
    """The act had brought it up, it lived, and then somebody struck it, or its machine went down with us: a new fault, and
    nothing against the act."""
    if isinstance(fact, HealthChanged):
        sent = struck(fact) or fact.symptom == UNSEEN_END
    else:
        sent = fact.reason == FROZEN.reason
    return sent and act.how in {"done", "found_done"} and fact.at - act.applied_at >= LIVED_S
