"""The only way to act: turns a choice into permission, or says which limit stands against it. Has no hands."""

from collections.abc import Callable
from typing import Any

from agents.agent import Results, Traits
from agents.events import (
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
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    ServiceStarted,
    ServiceStopped,
    StorageChanged,
    Tick,
)
from agents.gate.books import Pending, State
from agents.gate.ledger import fold
from agents.gate.limits import Objection, Question, objection
from agents.gate.suspicion import Suspicion
from config.world import World
from utils.alone import run_alone


class ActGate:
    name = "act_gate"
    consumes: tuple[type[Event], ...] = (
        FixChosen, FixApplied, FixVerified, FixFailed, IncidentOpened, IncidentRetried, IncidentClosed, HealthChanged,
        ServiceStarted, ServiceStopped, OperatorCommanded, ObservationResumed, ConfigChanged, StorageChanged,
        EventQuarantined, ProbeObserved, Tick,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (FixStarted, FixRefused)
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self.suspicion = Suspicion()
        self._decide: dict[type[Event], Callable[[Any], Results]] = {
            FixChosen: self._on_choice,
            ProbeObserved: self._on_probe,
            Tick: self._on_tick,
            HealthChanged: self._on_new_life,
            ServiceStarted: self._on_new_life,
            ServiceStopped: self._on_new_life,
            FixApplied: self._on_new_life,
            ObservationResumed: self._on_resumed,
        }

    def handle(self, event: Event) -> Results:
        decide = self._decide.get(type(event))
        return decide(event) if decide else ()

    def apply(self, fact: Fact) -> None:
        fold(self.state, fact)

    def _on_choice(self, choice: FixChosen) -> Results:
        self._look(choice.at)
        return [self._answer(choice, self._objection(self.state, choice, choice.at), self.state)]

    def _on_tick(self, tick: Tick) -> Results:
        """Start what waits and may go now; say so where the reason for waiting is another than before."""
        self._look(tick.at)
        results: list[Event] = []
        draft = self.state
        for pending in tuple(self.state.pending.values()):
            against = self._objection(draft, pending.choice, tick.at)
            if against is not None and against.limit == pending.limit:
                continue
            results.append(self._answer(pending.choice, against, draft))
            if against is None:
                draft = draft.copy() if draft is self.state else draft
                # the next one has to reckon with it
                fold(draft, self._started(pending.choice, draft, at=tick.at))
        return results

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

    def _objection(self, state: State, choice: FixChosen, at: float) -> Objection | None:
        return objection(Question(self.world, state, self.suspicion, choice, at))

    def _answer(self, choice: FixChosen, against: Objection | None, state: State) -> Event:
        if against is None:
            return self._started(choice, state)
        return FixRefused(
            incident=choice.incident,
            service=choice.service,
            fix=choice.fix,
            limit=against.limit,
            reason=against.reason,
            final=against.final,
        )

    def _started(self, choice: FixChosen, state: State, at: float = 0.0) -> FixStarted:
        fix = self.world.fixes[choice.fix]
        return FixStarted(
            at=at,
            incident=choice.incident,
            service=choice.service,
            fix=choice.fix,
            agent=fix.agent,
            cause_name=choice.cause_name,
            culprit=choice.culprit,
            deadline_s=fix.deadline_s,
            incarnation=state.incarnations.get(choice.service, ""),
            patience_boots=choice.patience_boots,
        )

    def waiting(self) -> list[Pending]:
        """Choices that wait for a limit, for people who ask."""
        return list(self.state.pending.values())


if __name__ == "__main__":
    run_alone(__file__)
