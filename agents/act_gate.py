"""The only way to act: turns a choice into permission, or says which limit stands against it. Has no hands."""

from collections.abc import Callable
from typing import Any

from agents.agent import Results, Traits
from agents.events import (
    ActProposed,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CommandAnswered,
    ConfigChanged,
    Event,
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
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    MaintenanceProposed,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    PromotionProposed,
    ServiceStarted,
    ServiceStopped,
    StorageChanged,
    Tick,
)
from agents.gate.books import Pending, State
from agents.gate.draft import Draft
from agents.gate.ledger import fold
from agents.gate.limits import Objection, Question, objection, planned_objection, undo_objection
from agents.gate.people import People
from agents.gate.reminders import due, reminder
from agents.gate.suspicion import Suspicion
from config.world import World
from utils.alone import run_alone

TO_PEOPLE = frozenset({"approve", "deny", "snooze", "undo"})


class ActGate:
    name = "act_gate"
    consumes: tuple[type[Event], ...] = (
        FixChosen, ActProposed, PromotionProposed, MaintenanceProposed, FixApplied, FixVerified, FixFailed, HarmFound, IncidentOpened, IncidentRetried,
        IncidentEscalated, IncidentClosed, HealthChanged,
        ServiceStarted, ServiceStopped, OperatorCommanded, ObservationResumed, ConfigChanged, StorageChanged,
        EventQuarantined, ProbeObserved, Tick,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (
        FixStarted, FixRefused, ApprovalRequested, ApprovalGiven, ApprovalDenied, ApprovalExpired, CommandAnswered,
    )  # fmt: skip
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self.suspicion = Suspicion()
        self._people = People(world, self)
        self._decide: dict[type[Event], Callable[[Any], Results]] = {
            FixChosen: self._on_choice,
            ProbeObserved: self._on_probe,
            Tick: self._on_tick,
            HealthChanged: self._on_new_life,
            ServiceStarted: self._on_new_life,
            ServiceStopped: self._on_new_life,
            FixApplied: self._on_new_life,
            FixFailed: self._on_failed,
            IncidentClosed: self._on_closed,
            OperatorCommanded: self._on_command,
            ActProposed: self._on_proposed,
            PromotionProposed: self._on_proposed,
            MaintenanceProposed: self._on_proposed,
            ObservationResumed: self._on_resumed,
        }

    def handle(self, event: Event) -> Results:
        decide = self._decide.get(type(event))
        return decide(event) if decide else ()

    def apply(self, fact: Fact) -> None:
        fold(self.state, fact)

    def _on_choice(self, choice: FixChosen) -> Results:
        self._look(choice.at)
        against = self.objection(self.state, choice, choice.at)
        return [
            self._answer(choice, against, self.state),
            *self._question(choice, against, self.state, choice.at),
        ]

    def _on_tick(self, tick: Tick) -> Results:
        """Start what waits and may go now; say so where it waits for another reason than before, or for very long."""
        self._look(tick.at)
        draft = Draft(self.state, tick.at)
        for act_id in tuple(self.state.undo_due):
            draft.add(self._due_undo(draft.state, act_id, tick.at))
        draft.add(self._people.pass_time(draft.state, tick.at))
        for pending in tuple(self.state.pending.values()):
            against = self.objection(draft.state, pending.choice, tick.at)
            if against is None or against.limit != pending.limit:
                draft.add([self._answer(pending.choice, against, draft.state)])
            elif (times := due(pending, tick.at)) > pending.reminded:
                draft.add([reminder(pending, against.reason, times, tick.at)])
            draft.add(self._question(pending.choice, against, draft.state, tick.at))
        return draft.results

    def _question(self, choice: FixChosen, against: Objection | None, state: State, at: float) -> list[Event]:
        wanted = against is not None and against.limit == "approval"
        return self._people.question(state, choice, against.reason, at) if against and wanted else []

    def _on_failed(self, fact: FixFailed) -> Results:
        draft = self.state.copy()
        fold(draft, fact)
        due = [act_id for act_id in draft.undo_due if draft.ways_back[act_id].act.service == fact.service]
        return [event for act_id in due for event in self._due_undo(draft, act_id, fact.at)]

    def _due_undo(self, state: State, act_id: str, at: float) -> list[Event]:
        act = state.ways_back[act_id].act
        return [] if self.holds_undo(state, act, at) else [self.undo(act)]

    def _on_proposed(self, act: ActProposed) -> Results:
        self._look(act.at)
        choice = FixChosen(
            at=act.at, service=act.service, fix=act.what, cause_name=act.kind, culprit=act.service, probability=1.0, why=act.why,
        )  # fmt: skip
        against = planned_objection(
            Question(self.world, self.state, self.suspicion, choice, act.at), act.kind
        )
        if self.world.target(act.service) is None:
            against = Objection("unknown", f"no service is called {act.service!r}", final=True)
        if against is not None:
            return [FixRefused(fix=act.what, limit=against.limit, reason=against.reason, final=True)]
        started = FixStarted(
            fix=act.what,
            agent=act.agent,
            cause_name=act.kind,
            culprit=act.service,
            deadline_s=act.deadline_s,
            incarnation=self.state.incarnations.get(act.service, ""),
            kind=act.kind,
        )
        return [started]

    def _on_closed(self, fact: IncidentClosed) -> Results:
        return self._people.end(self.state, fact.incident, fact.message or fact.outcome)

    def _on_command(self, fact: OperatorCommanded) -> Results:
        return self._people.hear(self.state, fact) if fact.command in TO_PEOPLE else ()

    def _on_probe(self, probe: ProbeObserved) -> Results:
        self.suspicion.observe(probe)
        return ()

    def _on_new_life(self, fact: HealthChanged | ServiceStarted | ServiceStopped | FixApplied) -> Results:
        if not isinstance(fact, HealthChanged) or fact.health not in {"unhealthy", "unknown"}:
            self.suspicion.forget(fact.service)
        return ()

    def _on_resumed(self, fact: ObservationResumed) -> Results:
        self.suspicion.resume(fact.at)
        return ()

    def _look(self, at: float) -> None:
        explained = self.state.exits.keys() | self.state.stopped.keys()
        self.suspicion.look(self.world.config, explained, at)

    # --- what people's answers need of us ---

    def objection(
        self, state: State, choice: FixChosen, at: float, *, approved: bool = False
    ) -> Objection | None:
        return objection(Question(self.world, state, self.suspicion, choice, at, approved))

    def holds_undo(self, state: State, act: FixStarted, at: float) -> Objection | None:
        choice = FixChosen(
            at=act.at, incident=act.incident, service=act.service, fix=act.fix,
            cause_name=act.cause_name, culprit=act.culprit, probability=1.0, why="it is taken back",
        )  # fmt: skip
        return undo_objection(Question(self.world, state, self.suspicion, choice, at))

    def undo(self, act: FixStarted) -> FixStarted:
        return FixStarted(
            incident=act.incident,
            service=act.service,
            fix=act.fix,
            agent=act.agent,
            cause_name=act.cause_name,
            culprit=act.culprit,
            deadline_s=act.deadline_s,
            undo_of=act.id,
        )

    # --- answers ---

    def _answer(self, choice: FixChosen, against: Objection | None, state: State) -> Event:
        if against is None:
            return self.permit(state, choice)
        return FixRefused(
            incident=choice.incident,
            service=choice.service,
            fix=choice.fix,
            limit=against.limit,
            reason=against.reason,
            final=against.final or self._asks_beside(choice, against),
        )

    def _asks_beside(self, choice: FixChosen, against: Objection) -> bool:
        """A single fix needs a word: another may go on meanwhile. Where every one does, this one waits for it."""
        service = self.world.config.service(choice.service)
        every = service is not None and service.autonomy == "suggest"
        return against.limit == "approval" and not every

    def permit(self, state: State, choice: FixChosen, *, approval: str = "") -> FixStarted:
        fix = self.world.fixes[choice.fix]
        return FixStarted(
            incident=choice.incident,
            service=choice.service,
            fix=choice.fix,
            agent=fix.agent,
            cause_name=choice.cause_name,
            culprit=choice.culprit,
            deadline_s=fix.deadline_s,
            incarnation=state.incarnations.get(choice.service, ""),
            patience_boots=choice.patience_boots,
            patience_s=choice.patience_s,
            auto_undo=fix.auto_undo,
            approval=approval,
        )

    def waiting(self) -> list[Pending]:
        """Choices that wait for a limit, for people who ask."""
        return list(self.state.pending.values())


if __name__ == "__main__":
    run_alone(__file__)
