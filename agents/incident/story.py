"""Every step of an incident as one sentence for people: the timeline, `explain` and the notifier say the same."""

from collections.abc import Callable
from typing import Any

from agents.events import (
    ActProposed,
    AdviceGiven,
    AgentHealthChanged,
    AlertReceived,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    Cause,
    CauseFound,
    CommandAnswered,
    Fact,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    LeaseChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceProposed,
    MaintenanceScheduled,
    MaintenanceVetoed,
    PromotionProposed,
    SelfTested,
    ServiceStopped,
    StartRetried,
    VetoRefused,
)
from agents.wellbeing import OF_MODELS
from analysis.root_cause import UNKNOWN

LONGEST = 400
_APPLIED = {
    "done": "was applied",
    "found_done": "had been applied already",
    "symptom_gone": "was not needed any more",
    "failed": "could not be applied",
}
_CLOSED = {
    "healed": "healed",
    "passed_by_itself": "passed by itself",
    "withdrawn": "withdrawn",
}
_OVER = {
    "time": "nobody answered in time",
    "plan_changed": "the plan has changed",
    "target_changed": "the service is in another life now",
    "snoozed": "put off",
    "over": "nothing is to be asked any more",
}
_STOPPED = {
    "operator": "an operator asked for it",
    "shutdown": "the daemon shuts down",
    "removed": "it was removed from the configuration",
    "changed": "its configuration changed",
    "unused": "nothing needs it",
    "lease": "another daemon runs it now",
}


def sentence(fact: Fact) -> str:
    """One line, free of control characters: parts of it were written by what we watch."""
    say = _SENTENCES.get(type(fact))
    text = say(fact) if say is not None else type(fact).__name__
    return plain(text)


def plain(text: str) -> str:
    """
    >>> plain("a\\x1b[31m\\nb")
    'a [31m b'
    """
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _health(fact: HealthChanged) -> str:
    seen = "; ".join(f"{d.name} {_state(d.ok)}" for d in fact.dependencies)
    return f"{fact.service} is {fact.health}{_because(fact.reason)}" + (f" [{seen}]" if seen else "")


def _state(ok: bool | None) -> str:
    return "cannot be told" if ok is None else "answers" if ok else "does not answer"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _alerted(fact: AlertReceived) -> str:
    about = fact.service or f"{fact.about or 'nothing that it names'}, which is no service here"
    return f"alert {fact.alert} of {about} {'fires' if fact.firing else 'is over'}{_because(fact.summary)}"


def _cause(fact: CauseFound) -> str:
    rivals = ", ".join(_guess(rival) for rival in fact.rivals)
    evidence = "; ".join(fact.best.evidence)
    return f"cause: {_guess(fact.best)}{_because(evidence)}" + (f" (rivals: {rivals})" if rivals else "")


def _advised(fact: AdviceGiven) -> str:
    if fact.problem:
        return f"no advice of a language model{_because(fact.problem)}"
    fix = f", and would try {fact.fix}" if fact.fix else ""
    return f"{fact.model} thinks {fact.cause_name} of {fact.culprit}{fix} (nobody has checked it){_because(fact.explanation)}"


def _guess(cause: Cause) -> str:
    if cause.name == UNKNOWN:
        return cause.name
    return f"{cause.name} of {cause.service} {cause.confidence:.0%}"


def _chosen(fact: FixChosen) -> str:
    return f"chose {fact.fix} for {fact.service} ({fact.probability:.0%}){_because(fact.why)}"


def _refused(fact: FixRefused) -> str:
    verb = "refused" if fact.final else "held back"
    if fact.reminder:
        held = f"still held back for {_long(fact.held_s)} by limit {fact.limit}{_because(fact.reason)}"
        return f"{fact.fix} for {fact.service} {held}" + (
            f"; freed by: {fact.freed_by}" if fact.freed_by else ""
        )
    return f"{fact.fix} for {fact.service} {verb} by limit {fact.limit}{_because(fact.reason)}"


def _long(seconds: float) -> str:
    """
    >>> [_long(seconds) for seconds in (900.0, 3600.0, 14_400.4, 172_800.0)]
    ['15 min', '1 h', '4 h', '2 d']
    """
    for unit, size_s in (("d", 86_400.0), ("h", 3600.0)):
        if seconds >= size_s:
            return f"{seconds / size_s:.0f} {unit}"
    return f"{seconds / 60:.0f} min"


def _proposed(fact: ActProposed) -> str:
    return f"{fact.what} of {fact.service} is planned{_because(fact.why)}"


def _scheduled(fact: MaintenanceScheduled) -> str:
    """
    >>> _scheduled(MaintenanceScheduled(at=0.0, service="shop", plan="p", failure="disk_full", metric="disk", fix="",
    ...     agent="", start_at=0.0, latest_at=1.0, fails_at=7200.0))
    'disk_full of shop expected in 2 h: nothing of ours prevents it, so a person has to'
    """
    expected = f"{fact.failure} of {fact.service} expected in {_long(fact.fails_at - fact.at)}"
    because = _because("; ".join(fact.reasons))
    if not fact.fix:
        return f"{expected}{because}: nothing of ours prevents it, so a person has to"
    when = f"in {_long(fact.start_at - fact.at)}, when it is quiet"
    disturbs = f", which {', '.join(fact.disturbs)} will feel" if fact.disturbs else ""
    return f"{expected}: {fact.fix} {'moved to ' if fact.moved else ''}{when}{disturbs}{because}"


def _maintained(fact: MaintenanceDone) -> str:
    if fact.outcome == "done":
        return f"maintenance of {fact.service} done: {fact.fix} in {fact.seconds:.1f} s"
    how = "failed" if fact.outcome == "failed" else "was not done in time"
    return f"maintenance of {fact.service} {how}{_because(fact.reason)}"


def _given(fact: ApprovalGiven) -> str:
    more = "; one more word is needed" if fact.missing else ""
    return f"{fact.by} agreed to {fact.fix}{more}"


def _started(fact: FixStarted) -> str:
    return f"{'taking back ' if fact.undo_of else ''}{fact.fix} for {fact.service} started"


def _applied(fact: FixApplied) -> str:
    if fact.undo_of:
        how = "could NOT be taken back" if fact.outcome == "failed" else "was taken back"
        return f"{fact.fix} {how}{_because(fact.detail)}"
    took = f" in {fact.seconds:.1f} s" if fact.seconds else ""
    return f"{fact.fix} {_APPLIED[fact.outcome]}{took}{_because(fact.detail)}"


def _failed(fact: FixFailed) -> str:
    how = "made things worse" if fact.harmful else "did not help"
    if fact.interrupted:
        how = "was not verified, as a new fault came first"
    return f"{fact.fix} {how}{_because(fact.reason)}"


def _retried_boot(fact: StartRetried) -> str:
    missing = f", waits for {', '.join(fact.missing)}" if fact.missing else ""
    return f"start {fact.boot} of {fact.service} failed{_because(fact.reason)}; again in {fact.wait_s:g} s{missing}"


def _closed(fact: IncidentClosed) -> str:
    return f"{_CLOSED[fact.outcome]} after {fact.seconds:.1f} s{_because(fact.message)}"


def _predicted(fact: FailurePredicted) -> str:
    if fact.metric == "learnt":
        about = f"mostly {fact.lead_time_s / 60:.0f} min after such signs"
        return f"a failure of unknown kind is likely, {about} (chance {fact.confidence:.0%}, told from {fact.limit:.0%} on)"
    when = f"in {fact.lead_time_s:.0f} s" if fact.lead_time_s else "now"
    return f"{fact.failure} expected {when}: {fact.metric} {fact.value:g} of {fact.limit:g} ({fact.confidence:.0%})"


_SENTENCES: dict[type[Fact], Callable[[Any], str]] = {
    HealthChanged: _health,
    AgentHealthChanged: _health,
    **dict.fromkeys(OF_MODELS, _health),
    FileDamaged: lambda f: f"{f.path} is damaged{_because(f.problem)}",
    FileRepaired: lambda f: f"{f.path} is good again",
    FailurePredicted: _predicted,
    AlertReceived: _alerted,
    IncidentOpened: lambda f: f"{f.service} has a problem ({f.symptom}){_because(f.reason)}",
    CauseFound: _cause,
    AdviceGiven: _advised,
    FixChosen: _chosen,
    FixRefused: _refused,
    LeaseChanged: lambda f: "this daemon acts" if f.held else f"this daemon does not act{_because(f.why)}",
    SelfTested: lambda f: f"the drill {'passed' if f.ok else 'got stuck'}{_because(f.step)}",
    ActProposed: _proposed,
    PromotionProposed: _proposed,
    MaintenanceProposed: _proposed,
    MaintenanceScheduled: _scheduled,
    MaintenanceCancelled: lambda f: f"maintenance of {f.service} cancelled{_because(f.reason)}",
    MaintenanceVetoed: lambda f: f"{f.by} said no to the maintenance of {f.service}",
    VetoRefused: lambda f: f"{f.by} said no to a plan, and that changes nothing{_because(f.reason)}",
    MaintenanceDone: _maintained,
    ApprovalRequested: lambda f: f"asks: {f.what}? {f.why}",
    ApprovalGiven: _given,
    ApprovalDenied: lambda f: f"{f.by} said no to {f.fix}",
    ApprovalExpired: lambda f: f"the question about {f.fix} is over: {_OVER[f.why]}{_because(f.reason)}",
    CommandAnswered: lambda f: f"{'yes' if f.accepted else 'no'}: {f.answer}",
    FixStarted: _started,
    FixApplied: _applied,
    FixVerified: lambda f: f"{f.fix} helped: {f.service} stayed good, {f.seconds:.1f} s after its start",
    FixFailed: _failed,
    HarmFound: lambda f: f"{f.fix} made things worse{_because(f.reason)}",
    FixesExhausted: lambda f: f"no fix is left to try{_because(f.reason)}",
    StartRetried: _retried_boot,
    ServiceStopped: lambda f: f"{f.service} was stopped, because {_STOPPED[f.why]}",
    IncidentEscalated: lambda f: f"needs a person{_because(f.reason)}",
    IncidentRetried: lambda f: f"trying again, round {f.round}{_because(f.reason)}",
    IncidentClosed: _closed,
}
