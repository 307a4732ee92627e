"""Adaptive recovery: learns from outcomes how to treat each service, and says so in facts that others go by.

A lesson says what to do otherwise than configured: which fix first, how long to wait for a fault to pass, for how long a
boot is left alone, for how long to verify. Each has its evidence and its bound, and is dropped when it holds no more.
"""

from collections.abc import Sequence

from agents.agent import Results, Traits
from agents.events import (
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    Event,
    FixFailed,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    LessonLearned,
)
from agents.learning.lessons import boot_lesson, keys_about, lessons, news
from agents.learning.state import State, causes_of, fold, forget
from agents.lessons import lesson_key
from config.model import Service
from config.ourselves import is_drill
from config.world import World
from utils.alone import run_alone

__all__ = ["AdaptiveRecovery", "State"]


class AdaptiveRecovery:
    name = "adaptive_recovery"
    consumes: tuple[type[Event], ...] = (
        HealthChanged, ChangeObserved, IncidentOpened, CauseFound, FixStarted, FixVerified, FixFailed, HarmFound,
        IncidentClosed, IncidentEscalated, ConfigChanged,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (LessonLearned,)
    traits = Traits(optional=True, later_s=0.05)  # who heals goes first

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()

    def handle(self, event: Event) -> Results:
        service = self.world.config.service(event.service)
        if isinstance(event, ConfigChanged):
            return self._configured(event)
        if service is None or service.is_model or not self.world.config.learning.adaptive_recovery_enabled:
            return ()
        if isinstance(event, IncidentClosed | IncidentEscalated | IncidentOpened):
            return self._after(event, service)
        if isinstance(event, HealthChanged) and (event.booted_s or event.late_boot_s):
            return self._after_boot(event, service)
        return ()

    def apply(self, fact: Event) -> None:
        if isinstance(fact, ConfigChanged):
            for name in fact.removed if fact.why != "refused" else ():
                forget(self.state, name)
        elif not is_drill(fact.service):
            fold(self.state, fact)

    def _after(self, event: Event, service: Service) -> Sequence[LessonLearned]:
        """What records say once this is in them. A relapse tells against what was learnt when it begins."""
        healed = self.state.healed.get(service.name)
        case = self.state.cases.get(event.incident)
        causes = causes_of(case) if case else [healed.key.partition("/")[2]] if healed else []
        state = self._with(event)
        now = list(lessons(self.world, state, service, causes))
        return news(self.state.told, now, keys_about(service.name, causes))

    def _after_boot(self, event: HealthChanged, service: Service) -> Sequence[LessonLearned]:
        now = list(boot_lesson(self.world, self._with(event), service))
        return news(self.state.told, now, {lesson_key("boot", service.name)})

    def _configured(self, fact: ConfigChanged) -> Sequence[LessonLearned]:
        """Lessons of services that are gone are dropped, and all of them where learning is switched off."""
        if fact.why == "refused":
            return ()
        on = self.world.config.learning.adaptive_recovery_enabled
        gone = {key for key, told in self.state.told.items() if not on or told.service not in fact.services}
        return news(self.state.told, (), gone)

    def _with(self, event: Event) -> State:
        """The state as it will be: what is decided is decided before it is folded."""
        tables = {name: dict(getattr(self.state, name)) for name in State.__struct_fields__}
        state = State(**tables)
        fold(state, event)
        return state


if __name__ == "__main__":
    run_alone(__file__)
