"""What time says about an incident: deadlines, slow probing, silence. A deadline judges only time that we watched."""

from collections.abc import Sequence

from agents.events import ConfigChanged, Event, EventQuarantined
from agents.incident import verdicts as verdicts
from agents.incident import verification as rules
from agents.incident.records import Act, Incident
from agents.incident.state import State
from agents.incident.verification import Streak
from config.model import Config
from config.ourselves import agent_of
from platforms.boot import FIRST_WAITS_S, wait_after

TRIES = 3  # of the hands, each with the whole deadline, before an act is taken from them
GRACE_S = 60.0
THINKERS = ("rca_engine", "intelligent_fix_selector", "act_gate")
MODEL_S = 3600.0  # looks are minutes apart, and large tables take theirs
AGENT_S = 90.0  # a silent one is seen after 60 s


def judge_idle(config: Config, state: State, incident: Incident, at: float) -> Sequence[Event]:
    """An incident without an act in hand."""
    windows = config.windows
    if incident.status == "escalated":
        quiet = at - _watched(state, incident.escalated_at) >= _pause_s(config, state, incident)
        return [verdicts.retry(incident, "slow probing goes on")] if quiet else ()
    lapsed = at - _watched(state, incident.sign_at) >= windows.predict_horizon_s
    if incident.kind == "prediction" and lapsed:
        return [verdicts.closed(incident, "passed_by_itself", at, "the ceiling was not reached")]
    silent = not incident.waits_for and at - _watched(state, incident.touched_at) >= windows.slow_probe_s
    if silent:
        return [verdicts.escalated(incident, f"no fix was proposed for {windows.slow_probe_s:g} s")]
    return ()


def judge_started(
    config: Config, state: State, streak: Streak, incident: Incident, act: Act, at: float
) -> Sequence[Event]:
    """An act that must have left its hands by now, and nothing was heard of it: what can be told decides."""
    waited_s = at - _watched(state, act.started_at)
    if waited_s < TRIES * act.deadline_s + GRACE_S:
        return ()
    service, health = config.service(incident.service), state.health.get(incident.service)
    if service is not None and service.probe is not None:
        needed = rules.needed_probes(config, state.factor(incident.service))
        if 0 < streak.good < needed:
            return ()  # the coming probes decide
        well = streak.good >= needed
    else:
        well = health is None or health.health not in rules.BAD
    if well and rules.symptom_gone(incident, streak.incarnation):
        return verdicts.verified(incident, act, at)
    return [verdicts.failed(incident, act, f"nothing was heard of it for {waited_s:.0f} s")]


def judge_act(
    config: Config, state: State, streak: Streak, incident: Incident, act: Act, at: float
) -> Sequence[Event]:
    """An act that was applied and waits for its verdict."""
    if agent_of(act.target):
        return _judge_agent(state, incident, act, at)
    if incident.kind == "model":
        return _judge_model(state, incident, act, at)
    factor = state.factor(incident.service)
    since = _watched(state, max(act.applied_at, _culprit_back_at(state, incident, act)))
    if _lives_without_probe(config, state, incident, act, at - since):
        return verdicts.verified(incident, act, at)
    if at - since < rules.window_s(config, incident, act, factor, state.taught):
        return ()
    healthy_now = streak.good > 0 and rules.life_counts(incident, act, streak.incarnation)
    if healthy_now and not incident.damaged:
        return ()  # the coming probes decide
    if act.fix == rules.WAIT and _culprit_suffers(state, incident, act):
        return ()
    return [verdicts.failed(incident, act, f"no success within {at - since:.0f} s")]


def judge_lost(state: State, fact: EventQuarantined) -> Sequence[Event]:
    """An agent went on without an event: nobody else will say what should have followed."""
    for incident in state.open_ones():
        act = incident.act
        if act is None or act.id != fact.event or act.outcome != "started":
            continue
        if act.layer == fact.agent.removesuffix("_recovery"):  # others merely listen to it
            return [verdicts.failed(incident, act, f"{fact.agent} failed on it: {fact.error}")]
    lost = state.open_by_id(fact.incident)
    if lost is not None and fact.agent in THINKERS and lost.status != "escalated":
        return [verdicts.escalated(lost, f"{fact.agent} failed on it: {fact.error}")]
    return ()


def judge_config(state: State, fact: ConfigChanged) -> Sequence[Event]:
    """Incidents of what is watched no more; and of our own agents, which begin anew with the daemon."""
    if fact.why == "refused":
        return ()
    ours = {i.service for i in state.open_ones() if agent_of(i.service)}
    gone = [i for i in state.open_ones() if i.service not in {*fact.services, *ours}]
    begun = [i for i in state.open_ones() if i.service in ours and fact.why == "start"]
    return [
        *(verdicts.closed(i, "withdrawn", fact.at, "it is not in the configuration any more") for i in gone),
        *(verdicts.closed(i, "passed_by_itself", fact.at, "all agents began anew") for i in begun),
    ]


def _judge_agent(state: State, incident: Incident, act: Act, at: float) -> Sequence[Event]:
    """Who runs our agents says when one is well again."""
    health = state.health.get(incident.service)
    if health is not None and health.health == "healthy":
        return verdicts.verified(incident, act, at)
    if health is not None and health.at > act.started_at:
        return [verdicts.failed(incident, act, f"its new life is {health.health} too")]
    waited_s = at - _watched(state, act.applied_at)
    return [verdicts.failed(incident, act, f"not well after {waited_s:.0f} s")] if waited_s >= AGENT_S else ()


def _judge_model(state: State, incident: Incident, act: Act, at: float) -> Sequence[Event]:
    """Its monitoring looks again after the act; a shadow model may be judged for as long as its labels take to come."""
    health = state.health.get(incident.service)
    looked = health is not None and health.at > act.applied_at
    if looked and health is not None and health.health == "healthy":
        return verdicts.verified(incident, act, at)
    if looked and health is not None and health.health == "starting":
        return ()
    waited_s = at - _watched(state, act.applied_at)
    return (
        [verdicts.failed(incident, act, f"nobody looked at it for {waited_s:.0f} s")]
        if waited_s >= MODEL_S
        else ()
    )


def _pause_s(config: Config, state: State, incident: Incident) -> float:
    """Between rounds. What is dead is started as often as one that does not boot: it cannot get well by itself."""
    health, slow_s = state.health.get(incident.service), config.windows.slow_probe_s
    dead = health is not None and health.health == "down" and health.symptom in rules.EXITS
    if not (dead and incident.acts):
        return slow_s
    return min(wait_after(incident.rounds + len(FIRST_WAITS_S) + 1), slow_s)


def _watched(state: State, since: float) -> float:
    return max(since, state.marks.get("watching", 0.0))


def _lives_without_probe(config: Config, state: State, incident: Incident, act: Act, lived_s: float) -> bool:
    service = config.service(incident.service)
    if service is None or service.probe is not None or incident.damaged or act.fix == rules.WAIT:
        return False
    health = state.health.get(incident.service)
    died = health is not None and health.health == "down" and health.at > act.applied_at
    return lived_s >= rules.ALIVE_S * state.factor(incident.service) and not died


def _culprit_suffers(state: State, incident: Incident, act: Act) -> bool:
    if act.culprit in {"", incident.service}:
        return False
    health = state.health.get(act.culprit)
    ill = health is not None and health.health in (
        *rules.BAD,
        "starting",
    )  # as it is while somebody restarts it
    return state.open_of(act.culprit) is not None or ill


def _culprit_back_at(state: State, incident: Incident, act: Act) -> float:
    """Who waits for a culprit gets the whole window after its return."""
    if act.fix != rules.WAIT or act.culprit in {"", incident.service}:
        return 0.0
    health = state.health.get(act.culprit)
    return max(state.settled.get(act.culprit, 0.0), health.at if health else 0.0)
