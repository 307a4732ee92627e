"""Owns every incident from opening to closing: the only incident state machine."""

from collections.abc import Callable
from typing import Any

from agents.agent import Results, Traits
from agents.events import (
    AdviceGiven,
    AgentHealthChanged,
    AlertReceived,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CauseFound,
    ConfigChanged,
    Event,
    EventQuarantined,
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
    LessonLearned,
    NormExpected,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    ServiceStopped,
    StartRetried,
    Tick,
)
from agents.incident import harm, verdicts
from agents.incident import verification as rules
from agents.incident.alerts import alert_opens, judge_alert
from agents.incident.judgement import judge_act, judge_config, judge_idle, judge_lost, judge_started
from agents.incident.normality import UsualLatencies
from agents.incident.records import Act, Incident
from agents.incident.state import OFF, State, fold_state
from agents.incident.transitions import last_act
from agents.incident.verification import Streak
from agents.incident.views import explain
from agents.wellbeing import OF_MODELS
from config.world import World
from utils.alone import run_alone

RETRY_AT_ONCE_S = 30.0  # a seen exit need not wait for slow probing, unless the last round was this young


class RenderSelfHealingAgent:
    name = "render_self_healing_agent"
    consumes: tuple[type[Event], ...] = (
        HealthChanged, AgentHealthChanged, *OF_MODELS, FileDamaged, FileRepaired, FailurePredicted, CauseFound, FixChosen, FixStarted,
        AdviceGiven, FixRefused, FixApplied, FixesExhausted, ApprovalRequested, ApprovalGiven, ApprovalDenied, ApprovalExpired,
        StartRetried, OperatorCommanded, ConfigChanged, ObservationResumed, AlertReceived,
        ServiceStopped, EventQuarantined, LessonLearned, NormExpected, ProbeObserved, Tick,
    )  # fmt: skip
    emits = (
        IncidentOpened, FixVerified, FixFailed, HarmFound, IncidentClosed, IncidentEscalated, IncidentRetried,
    )  # fmt: skip
    unhurried: tuple[type[Event], ...] = (CauseFound, FixChosen, FixStarted)  # folded; who acts goes first
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._streaks: dict[str, Streak] = {}  # a cache: begins anew after a restart, as all windows do
        self._first_bad_at: dict[str, float] = {}
        self._usual = UsualLatencies()
        self._decide: dict[type[Event], Callable[[Any], Results]] = {
            **dict.fromkeys((HealthChanged, AgentHealthChanged, *OF_MODELS), self._on_health),
            FileDamaged: self._on_damage,
            FileRepaired: self._on_repair,
            FailurePredicted: self._on_prediction,
            AlertReceived: self._on_alert,
            FixApplied: self._on_applied,
            FixesExhausted: self._on_exhausted,
            OperatorCommanded: self._on_command,
            ConfigChanged: self._on_config,
            ObservationResumed: self._on_resumed,
            ServiceStopped: self._on_stopped,
            EventQuarantined: self._on_quarantined,
            NormExpected: self._usual.take,
            ProbeObserved: self._on_probe,
            Tick: self._on_tick,
        }

    def handle(self, event: Event) -> Results:
        decide = self._decide.get(type(event))
        return decide(event) if decide else ()

    def apply(self, fact: Fact) -> None:
        fold_state(self.state, fact)

    def explain(self, incident_id: str) -> list[str]:
        """Lines for people; empty for an incident that we do not know."""
        return explain(incident) if (incident := self.state.incidents.get(incident_id)) else []

    # --- symptoms ---

    def _on_health(self, fact: HealthChanged) -> Results:
        if fact.health not in rules.BAD:
            return self._on_good_health(fact)
        failed: list[Event] = [
            harm.failed_by_health(self.world, self.state, one, act, fact)
            for one in self.state.open_ones()
            if (act := one.act) is not None
            and act.outcome == "applied"
            and rules.fails_by_health(one, act, fact)
        ]
        incident = self.state.open_of(fact.service)
        if incident is None:
            return [*failed, *self._open(fact, fact.symptom or fact.health, fact.reason, fact.incarnation)]
        if found := harm.repeated(self.world, incident, fact):
            failed.insert(0, found)
        if (
            incident.status == "escalated"
            and fact.symptom in rules.EXITS
            and self._round_is_old(incident, fact)
        ):
            return [*failed, verdicts.retry(incident, f"it ended: {fact.reason}")]
        return failed

    def _on_good_health(self, fact: HealthChanged) -> Results:
        if fact.symptom == "suspended":
            return self._withdraw(fact, fact.reason)
        incident = self.state.open_of(fact.service)
        if fact.health != "healthy" or incident is None or incident.act is not None:
            return ()
        well = verdicts.closed(incident, "passed_by_itself", fact.at, f"{fact.service} is healthy")
        return [well] if rules.symptom_gone(incident, fact.incarnation) else ()

    def _round_is_old(self, incident: Incident, fact: Fact) -> bool:
        return fact.at - incident.escalated_at >= min(RETRY_AT_ONCE_S, self.world.config.windows.slow_probe_s)

    def _on_damage(self, fact: FileDamaged) -> Results:
        incident = self.state.open_of(fact.service)
        if incident is None:
            return self._open(
                fact, "file_damaged", f"{fact.path}: {fact.problem}", self.state.life_of(fact.service)
            )
        act = incident.act
        if act is not None and act.outcome == "applied":
            new = harm.spoilt(self.world, incident, act, fact.path)
            return [verdicts.failed(incident, act, f"{fact.path} is damaged: {fact.problem}", harmful=new)]
        return ()

    def _on_repair(self, fact: FileRepaired) -> Results:
        incident, health = self.state.open_of(fact.service), self.state.health.get(fact.service)
        if incident is None or incident.act is not None or incident.kind != "file":
            return ()
        if set(incident.damaged) - {fact.path} or (health is not None and health.health in rules.BAD):
            return ()
        return [verdicts.closed(incident, "passed_by_itself", fact.at, f"{fact.path} is good again")]

    def _on_prediction(self, fact: FailurePredicted) -> Results:
        life = self.state.life_of(fact.service)
        stale = bool(life and fact.incarnation and fact.incarnation != life)
        far = fact.lead_time_s > self.world.config.windows.predict_horizon_s
        if stale or far or fact.failure == "unknown" or self.state.open_of(fact.service) is not None:
            return ()
        when = f"reaches {fact.limit:g} in {fact.lead_time_s:.0f} s"
        reason = (
            f"{fact.failure}: {fact.metric} {when if fact.lead_time_s > 0 else f'is over {fact.limit:g}'}"
        )
        return self._open(fact, "failure_predicted", reason, fact.incarnation or life)

    def _on_alert(self, fact: AlertReceived) -> Results:
        incident = self.state.open_of(fact.service)
        if incident is not None:
            return judge_alert(self.state, incident, fact)
        if not alert_opens(self.state, fact):
            return ()
        self._streaks.pop(fact.service, None)  # good probes of before did not keep others from alarming
        return self._open(fact, "alert", f"{fact.alert}: {fact.summary}", self.state.life_of(fact.service))

    def _open(self, fact: Fact, symptom: str, reason: str, incarnation: str) -> Results:
        off = self.state.off
        if fact.service in off or "" in off or self.world.target(fact.service) is None:
            return ()
        if isinstance(fact, HealthChanged) and self.state.ended_as_planned(self.world.config, fact):
            return ()
        first = self._first_bad_at.get(fact.service, 0.0) if symptom not in rules.EXITS else fact.at
        return [
            IncidentOpened(
                incident=fact.id,
                service=fact.service,
                symptom=symptom,
                reason=reason,
                incarnation=incarnation,
                first_sign_at=first,
            )
        ]

    # --- acts ---

    def _on_applied(self, fact: FixApplied) -> Results:
        incident = None if fact.undo_of else self.state.open_by_id(fact.incident)
        act = last_act(incident, fact.cause, fact.fix) if incident else None
        if incident is None or act is None or act.outcome != "started":
            return ()
        for name in (incident.service, *harm.witnesses(self.world, incident, act)):
            self._streaks.pop(name, None)  # only what comes after the act speaks for it
        if fact.outcome == "failed":
            return [harm.failed_half_way(self.state, incident, act, fact)]
        return ()

    def _on_exhausted(self, fact: FixesExhausted) -> Results:
        incident = self.state.open_by_id(fact.incident)
        if incident is None or incident.status == "escalated":
            return ()
        return [verdicts.escalated(incident, fact.reason)]

    def _on_quarantined(self, fact: EventQuarantined) -> Results:
        return judge_lost(self.state, fact)

    # --- people ---

    def _on_command(self, fact: OperatorCommanded) -> Results:
        return self._withdraw(fact, "an operator stopped it") if fact.command == "stop" else ()

    def _on_stopped(self, fact: ServiceStopped) -> Results:
        return self._withdraw(fact, f"it was stopped ({fact.why})") if fact.why in (*OFF, "lease") else ()

    def _on_config(self, fact: ConfigChanged) -> Results:
        return judge_config(self.state, fact)

    def _withdraw(self, fact: Fact, why: str) -> Results:
        incident = self.state.open_of(fact.service)
        return [verdicts.closed(incident, "withdrawn", fact.at, why)] if incident else []

    def _on_resumed(self, _: ObservationResumed) -> Results:
        self._streaks.clear()
        self._first_bad_at.clear()
        return ()

    # --- time and probes ---

    def _on_probe(self, probe: ProbeObserved) -> Results:
        service = probe.service
        if probe.ok:
            self._first_bad_at.pop(service, None)
        elif probe.ok is False:
            self._first_bad_at.setdefault(service, probe.at)
        streak = self._streaks[service] = self._streaks.get(service, Streak()).after(probe)
        incident = self.state.open_of(service)
        if incident is None or probe.ok is None:
            return ()
        act = incident.act
        if act is None:
            return self._pass_by_itself(incident, streak, probe.at)
        if act.outcome != "applied" or probe.at < act.applied_at:
            return ()
        if rules.fails_by_probe(incident, act, streak):
            return [verdicts.failed_by_probes(incident, act, streak.bad, probe)]
        enough = streak.good >= rules.needed_probes(self.world.config, self.state.factor(service))
        well = rules.life_counts(incident, act, streak.incarnation) and not incident.damaged
        slow = self._usual.hold_back(self.world.config, self.state, incident, act, probe)
        if enough and well and not slow and not self._doubtful(incident, act, probe.at):
            return verdicts.verified(incident, act, probe.at)
        return ()

    def _doubtful(self, incident: Incident, act: Act, at: float) -> bool:
        return harm.doubtful(self.world, self.state, self._streaks, incident, act, at)

    def _pass_by_itself(self, incident: Incident, streak: Streak, at: float) -> Results:
        enough = streak.good >= self.world.config.windows.good_probes_to_verify
        if enough and rules.symptom_gone(incident, streak.incarnation):
            return [verdicts.closed(incident, "passed_by_itself", at, f"{streak.good} good probes in a row")]
        return ()

    def _on_tick(self, tick: Tick) -> Results:
        results: list[Event] = []
        for incident in self.state.open_ones():
            act = incident.act
            if act is None:
                results += judge_idle(self.world.config, self.state, incident, tick.at)
            elif broken := harm.broke(self.world, self.state, incident, act, tick.at):
                results += [verdicts.failed(incident, act, broken, harmful=True)]
            elif act.outcome == "started" or not self._doubtful(incident, act, tick.at):
                judge = judge_act if act.outcome == "applied" else judge_started
                streak = self._streaks.get(incident.service, Streak())
                results += judge(self.world.config, self.state, streak, incident, act, tick.at)
        return results


if __name__ == "__main__":
    run_alone(__file__)
