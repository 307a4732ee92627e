"""Predictive maintenance: turns what is foreseen into plans for quiet hours, and takes them back when it fades."""

from agents.agent import Results, Traits
from agents.events import (
    ChangeObserved,
    ConfigChanged,
    Event,
    Fact,
    FailurePredicted,
    HealthChanged,
    HourEnded,
    IncidentClosed,
    IncidentOpened,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
    ServiceSampled,
    Tick,
)
from agents.upkeeping.foresight import Foresight
from agents.upkeeping.planning import plan_for, should_move
from agents.upkeeping.state import Foreseen, State, fold
from analysis.calendar import hour_of_week
from config.world import World
from utils.alone import run_alone

CALM_LOOKS = 6  # in a row without the trend: it has faded
VETO_LASTS_S = 86400.0
ACT_LASTS_S = 1800.0  # after its time the plan's owner says how it ended


class PredictiveMaintenance:
    """Looks every PREVENTION_INTERVAL. A failure nearer than the prediction horizon is left to the owner of incidents."""

    name = "predictive_maintenance"
    consumes: tuple[type[Event], ...] = (
        ServiceSampled, Tick, FailurePredicted, HealthChanged, ChangeObserved, ConfigChanged, IncidentOpened, IncidentClosed,
        MaintenanceVetoed, MaintenanceDone,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (HourEnded, MaintenanceScheduled, MaintenanceCancelled)
    traits = Traits(optional=True)

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._foresight = Foresight()
        self._looked_at: float | None = None
        self._hour = -1
        self._calm: dict[str, int] = {}  # looks in a row in which a plan's failure was not foreseen

    def handle(self, event: Event) -> Results:
        if isinstance(event, ServiceSampled):
            service = self.world.config.service(event.service)
            if service is not None:
                self._foresight.see(event, service)
        elif isinstance(event, Tick):
            return self._pass_time(event.at)
        elif isinstance(event, IncidentOpened):
            return self._overtaken(event)
        elif isinstance(event, ConfigChanged) and event.removed:
            self._foresight.forget(event.removed)
            gone = [plan for plan in self.state.plans.values() if plan.service in event.removed]
            return [_cancelled(plan, "removed", "it is no longer in the configuration") for plan in gone]
        return ()

    def apply(self, fact: Fact) -> None:
        fold(self.state, fact)

    def _overtaken(self, opened: IncidentOpened) -> Results:
        """What is ill is healed, not maintained. One whose act may be under way is left to its owner."""
        mine = [plan for plan in self.state.plans.values() if plan.service == opened.service]
        return [
            _cancelled(plan, "trouble", f"an incident was opened: {opened.symptom}")
            for plan in mine
            if plan.start_at > opened.at
        ]

    def _pass_time(self, at: float) -> Results:
        if self._looked_at is None:
            self._looked_at = at
        if at - self._looked_at < self.world.prevention_s:
            return ()
        self._looked_at = at
        return [*self._end_hour(at), *self._look(at)]

    def _end_hour(self, at: float) -> list[Event]:
        hour = hour_of_week(self.world.unix(at), self.world.config.notify.timezone)
        before, self._hour = self._hour, hour
        if before in (-1, hour):
            return []
        loads = self._foresight.end_hour()
        return [HourEnded(hour=before, names=tuple(loads), loads=tuple(loads.values()))] if loads else []

    def _look(self, at: float) -> list[Event]:
        found = self._foresight.look(self.state, self.world.config.services, at)
        results: list[Event] = []
        for key, foreseen in found.items():
            self._calm.pop(key, None)
            results += self._plan(key, foreseen, at)
        for key, plan in self.state.plans.items():
            if key not in found:
                results += self._fading(key, plan, at)
        return results

    def _plan(self, key: str, foreseen: Foreseen, at: float) -> list[Event]:
        service = self.world.config.service(foreseen.service)
        known = self.state.plans.get(key)
        if (
            service is None
            or service.is_model
            or foreseen.service in self.state.trouble
            or self._is_vetoed(key, foreseen, at)
        ):
            return []
        if known is not None and known.fix and known.start_at <= at:  # its owner acts now
            return self._other_life(known, at)
        plan = plan_for(self.world, self.state, service, foreseen, at)
        if plan is None or (known is not None and not should_move(known, foreseen, plan.latest_at)):
            return []
        return [plan]

    def _is_vetoed(self, key: str, foreseen: Foreseen, at: float) -> bool:
        vetoed = self.state.vetoed.get(key)
        return (
            vetoed is not None
            and vetoed.incarnation == foreseen.incarnation
            and at - vetoed.at < VETO_LASTS_S
        )

    def _fading(self, key: str, plan: MaintenanceScheduled, at: float) -> list[Event]:
        if gone := self._other_life(plan, at):
            return gone
        self._calm[key] = self._calm.get(key, 0) + 1
        begins = plan.start_at < at + self.world.prevention_s
        doubted = begins and bool(plan.fix)
        if (self._calm[key] < CALM_LOOKS and not doubted) or (plan.fix and plan.start_at <= at):
            return []
        del self._calm[key]
        return [_cancelled(plan, "faded", f"{plan.metric} does not go there any more")]

    def _other_life(self, plan: MaintenanceScheduled, at: float) -> list[Event]:
        life = self.state.lives.get(plan.service)
        same = not plan.incarnation or (life is not None and life.incarnation == plan.incarnation)
        if same or plan.start_at <= at < plan.start_at + ACT_LASTS_S:
            return []
        return [_cancelled(plan, "other_life", "it was restarted meanwhile")]


def _cancelled(plan: MaintenanceScheduled, why: str, reason: str) -> MaintenanceCancelled:
    return MaintenanceCancelled(service=plan.service, plan=plan.plan, why=why, reason=reason)  # type: ignore[arg-type]


if __name__ == "__main__":
    run_alone(__file__)
