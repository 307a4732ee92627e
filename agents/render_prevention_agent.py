"""Prevention agent: owns every plan of maintenance from its announcement to its end, and proposes the act when its hour comes."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from agents.agent import Results, Traits
from agents.events import (
    ConfigChanged,
    Event,
    EventQuarantined,
    Fact,
    FixApplied,
    FixRefused,
    FixStarted,
    HealthChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceProposed,
    MaintenanceScheduled,
    MaintenanceVetoed,
    OperatorCommanded,
    Tick,
    VetoRefused,
)
from config.consents import may_decide
from config.world import World
from utils.alone import run_alone

WELL_WITHIN_S = 600.0  # of the act
KEPT = 200
Status = Literal[
    "scheduled",
    "for_people",
    "proposed",
    "running",
    "applied",
    "done",
    "failed",
    "missed",
    "cancelled",
    "vetoed",
]
OVER = frozenset({"done", "failed", "missed", "cancelled", "vetoed"})


class Upkeep(Struct, frozen=True, gc=False):
    """One plan, and how far it has come."""

    plan: MaintenanceScheduled
    status: Status
    changed_at: float
    reason: str = ""  # why it waits, or how it ended
    act: str = ""
    began_at: float = 0.0
    life: str = ""  # that the act made
    by: str = ""  # who said no

    @property
    def over(self) -> bool:
        return self.status in OVER


class Seen(Struct, frozen=True, gc=False):
    health: str
    incarnation: str


class State(Struct):
    upkeep: dict[str, Upkeep] = field(default_factory=dict)  # by plan, the newest last
    health: dict[str, Seen] = field(default_factory=dict)

    def standing(self) -> list[Upkeep]:
        return [known for known in self.upkeep.values() if not known.over]


class RenderPreventionAgent:
    """One act at a time: the next plan waits until the one before is over."""

    name = "render_prevention_agent"
    consumes: tuple[type[Event], ...] = (
        MaintenanceScheduled, MaintenanceCancelled, OperatorCommanded, FixStarted, FixRefused, FixApplied, HealthChanged,
        EventQuarantined, ConfigChanged, Tick,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (MaintenanceProposed, MaintenanceVetoed, VetoRefused, MaintenanceDone)
    traits = Traits(optional=True)

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._proposed: dict[str, float] = {}  # when each plan was last proposed in this life
        self._decide: dict[type[Event], Callable[[Any], Results]] = {
            Tick: self._on_tick,
            OperatorCommanded: self._on_command,
            FixApplied: self._on_applied,
            HealthChanged: self._on_health,
            EventQuarantined: self._on_quarantined,
        }

    def handle(self, event: Event) -> Results:
        decide = self._decide.get(type(event))
        return decide(event) if decide else ()

    def apply(self, fact: Fact) -> None:
        fold(self.state, fact)

    # --- time ---

    def _on_tick(self, tick: Tick) -> Results:
        standing = self.state.standing()
        results = [event for known in standing for event in self._late(known, tick.at)]
        if not results and not any(known.status in {"running", "applied"} for known in standing):
            due = [known for known in standing if known.status in {"scheduled", "proposed"}]
            for known in sorted(due, key=lambda known: known.plan.start_at):
                if self._is_due(known, tick.at):
                    self._proposed[known.plan.plan] = tick.at
                    return [_proposal(known.plan)]
        return results

    def _is_due(self, known: Upkeep, at: float) -> bool:
        """Refused, it is proposed again every PREVENTION_INTERVAL."""
        last = self._proposed.get(known.plan.plan)
        return at >= known.plan.start_at and (last is None or at - last >= self.world.prevention_s)

    def _late(self, known: Upkeep, at: float) -> list[Event]:
        plan = known.plan
        if known.status == "for_people":
            return [_done(known, "missed", at, "nobody did it in time")] if at >= plan.fails_at else []
        if known.status in {"scheduled", "proposed"}:
            why = known.reason or "its time went by"
            return [_done(known, "missed", at, why)] if at > plan.latest_at else []
        if known.status == "applied" and at - known.changed_at > WELL_WITHIN_S:
            return [_done(known, "failed", at, f"not healthy within {WELL_WITHIN_S:g} s")]
        if known.status == "running" and at - known.began_at > plan.act_deadline_s + WELL_WITHIN_S:
            return [_done(known, "failed", at, "nobody said how the act ended")]
        return []

    # --- the act ---

    def _on_applied(self, fact: FixApplied) -> Results:
        known = self._of_act(fact.cause)
        if known is None:
            return ()
        if fact.outcome == "failed":
            return [_done(known, "failed", fact.at, fact.detail)]
        seen = self.state.health.get(fact.service)
        if seen is not None and seen.health == "healthy" and seen.incarnation == fact.incarnation:
            return [_done(known, "done", fact.at)]
        return ()

    def _on_health(self, fact: HealthChanged) -> Results:
        for known in self.state.standing():
            mine = known.status == "applied" and known.plan.service == fact.service
            if mine and fact.health == "healthy" and fact.incarnation == known.life:
                return [_done(known, "done", fact.at)]
        return ()

    def _on_quarantined(self, fact: EventQuarantined) -> Results:
        known = self._of_act(fact.event)
        return [_done(known, "failed", fact.at, f"{fact.agent} failed on it")] if known else ()

    def _of_act(self, act: str) -> Upkeep | None:
        return next((known for known in self.state.standing() if known.act and known.act == act), None)

    # --- people ---

    def _on_command(self, fact: OperatorCommanded) -> Results:
        if fact.command != "veto":
            return ()
        known = self.state.upkeep.get(fact.about)
        if why := may_decide(self.world.config, fact.by):
            return [_refusal(fact, why)]
        if known is None:
            return [_refusal(fact, f"no maintenance is known by {fact.about!r}")]
        if known.over or known.status in {"running", "applied"}:
            return [_refusal(fact, f"too late: it is {known.status}", known.plan.service)]
        return [MaintenanceVetoed(service=known.plan.service, plan=fact.about, by=fact.by)]


def _proposal(plan: MaintenanceScheduled) -> MaintenanceProposed:
    return MaintenanceProposed(
        service=plan.service, kind="maintenance", what=plan.fix, agent=plan.agent, plan=plan.plan,
        why=f"{plan.failure} is expected", deadline_s=plan.act_deadline_s,
    )  # fmt: skip


def _refusal(fact: OperatorCommanded, reason: str, service: str = "") -> VetoRefused:
    return VetoRefused(service=service, plan=fact.about, by=fact.by, reason=reason)


def _done(known: Upkeep, outcome: Literal["done", "failed", "missed"], at: float, reason: str = "") -> Event:
    seconds = round(at - known.began_at, 3) if known.began_at else 0.0
    plan = known.plan
    return MaintenanceDone(
        service=plan.service, plan=plan.plan, fix=plan.fix, outcome=outcome, reason=reason, seconds=seconds
    )


# --- how facts are folded ---


def fold(state: State, fact: Fact) -> None:
    match fact:
        case MaintenanceScheduled():
            _scheduled(state, fact)
        case MaintenanceProposed():
            _change(state, fact.plan, fact, status="proposed", act=fact.id)
        case MaintenanceCancelled():
            _change(state, fact.plan, fact, status="cancelled", reason=fact.reason)
        case MaintenanceVetoed():
            _change(state, fact.plan, fact, status="vetoed", by=fact.by)
        case MaintenanceDone():
            _change(state, fact.plan, fact, status=fact.outcome, reason=fact.reason)
        case FixStarted() | FixRefused() | FixApplied():
            _act(state, fact)
        case HealthChanged():
            state.health[fact.service] = Seen(fact.health, fact.incarnation)
        case ConfigChanged() if fact.why != "refused":
            for name in fact.removed:
                state.health.pop(name, None)


def _scheduled(state: State, fact: MaintenanceScheduled) -> None:
    known = state.upkeep.pop(fact.plan, None)
    if known is not None and (known.over or known.status in {"running", "applied"}):
        state.upkeep[fact.plan] = known
        return
    state.upkeep[fact.plan] = Upkeep(fact, "scheduled" if fact.fix else "for_people", fact.at)
    over = [plan for plan, each in state.upkeep.items() if each.over]
    for plan in over[: max(len(state.upkeep) - KEPT, 0)]:
        del state.upkeep[plan]


def _act(state: State, fact: FixStarted | FixRefused | FixApplied) -> None:
    known = next((each for each in state.standing() if each.act and each.act == fact.cause), None)
    if known is None:
        return
    plan = known.plan.plan
    match fact:
        case FixStarted():
            _change(state, plan, fact, status="running", act=fact.id, began_at=fact.at, reason="")
        case FixRefused():
            _change(state, plan, fact, status="scheduled", act="", reason=fact.reason)
        case FixApplied() if fact.outcome != "failed":
            _change(state, plan, fact, status="applied", life=fact.incarnation)


def _change(state: State, plan: str, fact: Fact, **changes: Any) -> None:
    known = state.upkeep.get(plan)
    if known is not None and not known.over:
        state.upkeep[plan] = replace(known, changed_at=fact.at, **changes)


if __name__ == "__main__":
    run_alone(__file__)
