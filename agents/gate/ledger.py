"""How facts are folded into the act gate's books."""

from msgspec.structs import replace

from agents.events import (
    ConfigChanged,
    EventQuarantined,
    Fact,
    FixApplied,
    FixChosen,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    IncidentRetried,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StorageChanged,
)
from agents.gate.books import (
    EXITS,
    HOUR_S,
    OFF,
    SHUTDOWN,
    WAIT,
    Case,
    Ended,
    OpenAct,
    Pending,
    Planned,
    Spent,
    State,
    Trust,
    pair,
)
from agents.gate.pardon import pardoned
from agents.gate.questions import fold_questions
from agents.gate.reminders import passed
from agents.gate.ways_back import fold_ways_back
from agents.terms import switch
from config.ourselves import is_drill

OWNER = "render_self_healing_agent"  # of incidents, whose verdicts end acts
GATE = "act_gate"
VERDICTS = frozenset({FixVerified.__name__, FixFailed.__name__})


def fold(state: State, fact: Fact) -> None:
    fold_ways_back(state, fact)
    fold_questions(state, fact)
    match fact:
        case IncidentOpened():
            state.cases[fact.incident] = Case(fact.symptom, fact.service, _in_drill(state, fact))
        case IncidentRetried() if fact.incident in state.cases:
            state.cases[fact.incident] = replace(state.cases[fact.incident], rounds=fact.round)
        case IncidentClosed():
            _closed(state, fact)
        case FixChosen():
            state.pending[fact.incident] = Pending(fact)
        case FixRefused():
            _refused(state, fact)
        case FixStarted():
            _started(state, fact)
        case FixApplied():
            _applied(state, fact)
        case FixVerified() | FixFailed():
            _decided(state, fact)
        case EventQuarantined():
            _quarantined(state, fact)
        case _:
            _circumstance(state, fact)


def _circumstance(state: State, fact: Fact) -> None:
    match fact:
        case HarmFound():
            _blamed(state, fact)
        case HealthChanged():
            _health(state, fact)
        case ServiceStarted():
            state.incarnations[fact.service] = fact.incarnation
        case ServiceStopped() if fact.why in OFF:
            state.stopped[fact.service] = fact.why
            state.exits.pop(fact.service, None)
            _release(state, fact.service, fact.at)
        case OperatorCommanded():
            _commanded(state, fact)
        case ConfigChanged():
            _configured(state, fact)
        case StorageChanged(ok=False):
            state.storage[""] = fact.problem or "it cannot be written"
        case StorageChanged():
            state.storage.pop("", None)


# --- acts ------------------------------------------------------------------------------------------------------------


def _refused(state: State, fact: FixRefused) -> None:
    pending = state.pending.get(fact.incident)
    if pending is None:
        return
    if fact.final:
        del state.pending[fact.incident]
    else:
        since = pending.since or fact.at
        state.pending[fact.incident] = Pending(pending.choice, fact.limit, since, passed(fact.at - since))


def _started(state: State, fact: FixStarted) -> None:
    if (pending := state.pending.get(fact.incident)) is not None and pending.choice.fix == fact.fix:
        del state.pending[fact.incident]
    if fact.fix == WAIT:
        return
    if fact.kind == "chaos":
        state.drills[fact.service] = Planned(fact.id, fact.at + fact.deadline_s)
        return
    if fact.undo_of or fact.kind != "fix":
        state.open_acts[fact.service] = OpenAct(
            fact.id, fact.incident, fact.fix, fact.at, for_exit=False, agent=fact.agent, unjudged=True
        )
        return
    target, for_exit = fact.service, fact.service in state.exits
    case = state.cases.get(fact.incident, Case(""))
    state.cases[fact.incident] = replace(case, attempts=case.attempts + 1)
    state.open_acts[target] = OpenAct(fact.id, fact.incident, fact.fix, fact.at, for_exit, agent=fact.agent)
    if is_drill(target):
        return
    young = tuple(spent for spent in state.spent.get(target, ()) if fact.at - spent.at < HOUR_S)
    state.spent[target] = (*young, Spent(fact.id, fact.at, for_exit, fact.incident))
    state.started[pair(target, fact.fix)] = fact.at


def _applied(state: State, fact: FixApplied) -> None:
    if fact.incarnation:
        state.incarnations[fact.service] = fact.incarnation
    if (drill := state.drills.get(fact.service)) is not None and drill.id == fact.cause:
        del state.drills[fact.service]
    act = state.open_acts.get(fact.service)
    if act is None or act.id != fact.cause:  # a late word about the one before
        return
    if act.orphan or act.unjudged:
        _release(state, fact.service, fact.at)
    else:
        state.open_acts[fact.service] = replace(act, outcome=fact.outcome)


def _decided(state: State, fact: FixVerified | FixFailed) -> None:
    if fact.fix == WAIT:
        return
    act = state.open_acts.get(fact.service)
    if act is not None and not act.unjudged and act.incident == fact.incident and act.fix == fact.fix:
        _release(state, fact.service, fact.at)
    else:
        act = None
    if is_drill(fact.service):
        return
    key = pair(fact.cause_name, fact.fix)
    trust = state.trust.get(key, Trust())
    if isinstance(fact, FixFailed):
        name = pair(fact.service, fact.fix)
        pardon = pardoned(fact, state.interrupted.get(name, ()))
        if not fact.interrupted:
            # trust is lost at once, and earned anew
            state.trust[key] = Trust(0, trust.failures + 1, harms=trust.harms + fact.harmful)
        elif act is not None and pardon:
            _forgive(state, fact.service, act)
        # what says nothing about a fix does not make it rest
        book = state.interrupted if pardon else state.failed
        book[name] = (*(at for at in book.get(name, ()) if fact.at - at < HOUR_S), fact.at)
        return
    for book in (state.failed, state.interrupted):
        book.pop(pair(fact.service, fact.fix), None)
    if act is not None:
        _forgive(state, fact.service, act, healed=True)
        if act.outcome != "symptom_gone":  # then it was luck
            state.trust[key] = _proved(trust, state.cases.get(fact.incident))


def _blamed(state: State, fact: HarmFound) -> None:
    """Its failure has counted already."""
    if is_drill(fact.service):
        return
    key = pair(fact.cause_name, fact.fix)
    trust = state.trust.get(key, Trust())
    state.trust[key] = replace(trust, harms=trust.harms + 1)


def _in_drill(state: State, fact: IncidentOpened) -> bool:
    drill = state.drills.get(fact.service)
    return drill is not None and fact.at < drill.until


def _proved(trust: Trust, case: Case | None) -> Trust:
    if case is not None and case.drill:
        return replace(trust, successes=trust.successes + 1 / 3)
    return replace(trust, successes=trust.successes + 1, real=trust.real + 1)


def _forgive(state: State, target: str, act: OpenAct, *, healed: bool = False) -> None:
    """It counts against nothing any more; where it healed, what was tried before in the same incident neither."""
    known = state.spent.get(target, ())
    left = tuple(s for s in known if s.id != act.id and not (healed and s.incident == act.incident))
    if left:
        state.spent[target] = left
    else:
        state.spent.pop(target, None)
    if act.incident in state.cases:
        state.cases[act.incident] = replace(state.cases[act.incident], attempts=0)


def _release(state: State, target: str, at: float) -> None:
    act = state.open_acts.pop(target, None)
    if act is not None:
        state.ended[target] = Ended(act.incident, at)


def _closed(state: State, fact: IncidentClosed) -> None:
    state.cases.pop(fact.incident, None)
    state.pending.pop(fact.incident, None)
    for target, act in tuple(state.open_acts.items()):
        if act.incident != fact.incident:
            continue
        if act.outcome:
            _release(state, target, fact.at)
        else:
            state.open_acts[target] = replace(act, orphan=True)


def _quarantined(state: State, fact: EventQuarantined) -> None:
    """No act stays open for a word that cannot come any more."""
    for target, act in tuple(state.open_acts.items()):
        if act.id != fact.event:
            continue
        if act.agent in {"", fact.agent} or (fact.agent == OWNER and act.outcome):
            _release(state, target, fact.at)
        elif fact.agent == OWNER:  # nobody will judge it; the others merely listen to it
            state.open_acts[target] = replace(act, orphan=True)
    own = state.open_acts.get(fact.service) if fact.agent == GATE else None
    if own is None or own.incident != fact.incident:
        return
    if fact.kind in VERDICTS or (fact.kind == FixApplied.__name__ and own.orphan):
        _release(state, fact.service, fact.at)
    elif fact.kind == FixApplied.__name__:
        state.open_acts[fact.service] = replace(own, outcome="done")


# --- circumstances ---------------------------------------------------------------------------------------------------


def _health(state: State, fact: HealthChanged) -> None:
    name = fact.service
    if fact.health in {"unhealthy", "down"}:
        state.ill[name] = fact.health
    elif fact.health in {"healthy", "stopped"}:
        state.ill.pop(name, None)
    if fact.incarnation:
        state.incarnations[name] = fact.incarnation
    if fact.health == "down" and fact.symptom in EXITS:
        state.exits[name] = fact.incarnation
    elif fact.health in {"healthy", "stopped"} or (
        fact.health == "unhealthy" and fact.incarnation and fact.incarnation != state.exits.get(name)
    ):
        state.exits.pop(name, None)


def _commanded(state: State, fact: OperatorCommanded) -> None:
    match fact.command:
        case "stop":
            state.stopped[fact.service] = "operator"
        case "start":
            state.stopped.pop(fact.service, None)
        case "pause":
            state.paused[switch(fact.by, fact.service)] = fact.by or "an operator"
        case "resume":
            state.paused.pop(switch(fact.by, fact.service), None)
        case "shutdown":
            state.paused[SHUTDOWN] = "the shutdown of the daemon"


def _configured(state: State, fact: ConfigChanged) -> None:
    if fact.why == "start":
        state.paused.pop(SHUTDOWN, None)
        state.storage.clear()  # what is wrong with it now is told after this
    for name in fact.added:
        state.stopped.pop(name, None)
    for name in fact.removed:
        for table in (state.exits, state.ill, state.incarnations, state.spent, state.ended, state.paused):
            table.pop(name, None)
        for by_fix in (state.started, state.failed, state.interrupted):
            for key in [key for key in by_fix if key.rpartition(" ")[0] == name]:
                del by_fix[key]
