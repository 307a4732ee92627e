"""Model monitor: runs each model's monitoring at its pace and says when its data, its drift or its performance turn bad.

It looks again at once when an act on a model was carried out: that look is what verifies the act.
"""

import asyncio

import structlog
from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import (
    ConfigChanged,
    DataQualityViolated,
    DriftDetected,
    Event,
    FixApplied,
    HealthChanged,
    ModelDegraded,
    ModelJudged,
)
from config.model import Service
from config.world import World
from mlops.hands import Look, ModelError, ModelHands
from utils.alone import run_alone

log = structlog.get_logger()
FIRST_S = 1.0  # after the start, so that services come first
RETRY_S = 60.0
IDLE_S = 60.0
BLIND = 3  # looks in a row that failed before we say that nobody can tell


class Told(Struct, frozen=True):
    """The last word on a model."""

    health: str
    symptom: str
    promotable: int = 0
    at: float = 0.0


class State(Struct):
    told: dict[str, Told] = field(default_factory=dict)  # by service


class ModelMonitor:
    name = "model_monitor"
    consumes: tuple[type[Event], ...] = (FixApplied, ConfigChanged)
    emits: tuple[type[Event], ...] = (DataQualityViolated, DriftDetected, ModelDegraded, ModelJudged)
    traits = Traits(optional=True)

    def __init__(self, world: World, models: ModelHands) -> None:
        self.world = world
        self.state = State()
        self._models = models
        self._due: dict[str, float] = {}  # by service, on the loop's clock
        self._acted: set[str] = set()  # since the last word on them
        self._blind: dict[str, int] = {}
        self._wake = asyncio.Event()

    def handle(self, event: Event) -> Results:
        service = self.world.config.service(event.service)
        if isinstance(event, FixApplied) and service is not None and service.is_model:
            self._acted.add(service.name)
            self._due[service.name] = 0.0
        self._wake.set()
        return ()

    def apply(self, fact: Event) -> None:
        if isinstance(fact, HealthChanged):
            promotable = fact.promotable if isinstance(fact, ModelJudged) else 0
            self.state.told[fact.service] = Told(fact.health, fact.symptom, promotable, fact.at)
        elif isinstance(fact, ConfigChanged) and fact.why != "refused":
            for name in fact.removed:
                self.state.told.pop(name, None)

    async def run(self, outlet: Outlet) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            self._wake.clear()
            wait_s = IDLE_S
            for service in [s for s in self.world.config.services if s.is_model]:
                now = asyncio.get_running_loop().time()
                if self._due.get(service.name, 0.0) <= now and not self.world.lease():
                    await self._look(outlet, service)
                wait_s = min(wait_s, max(self._due.get(service.name, now + RETRY_S) - now, 0.0))
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self, outlet: Outlet, service: Service) -> None:
        name, loop = service.name, asyncio.get_running_loop()
        acted = name in self._acted
        self._acted.discard(name)
        self._due[name] = loop.time() + RETRY_S
        try:
            look = await self._models.look(service)
        except ModelError as error:
            if acted:
                self._acted.add(name)
            self._cannot_tell(outlet, name, str(error))
            return
        self._blind.pop(name, None)
        if name not in self._acted:  # else an act came meanwhile, and the next look is due
            self._due[name] = loop.time() + look.next_s
        word = said(name, look)
        told = self.state.told.get(name)
        if acted or told is None or _differs(told, word):
            outlet.emit(word)

    def _cannot_tell(self, outlet: Outlet, name: str, why: str) -> None:
        log.warning("model_not_looked_at", model=name, error=why)
        self._blind[name] = self._blind.get(name, 0) + 1
        told = self.state.told.get(name)
        if self._blind[name] >= BLIND and (told is None or told.health != "unknown"):
            outlet.emit(ModelJudged(service=name, health="unknown", reason=f"nobody can tell: {why}"))


def said(service: str, look: Look) -> HealthChanged:
    """A look as the fact that tells of it."""
    if look.trouble == "data_quality":
        return DataQualityViolated(
            service=service, health="unhealthy", symptom="data_quality", reason=look.reason, path=look.path, columns=look.names,
        )  # fmt: skip
    if look.judging:
        return ModelJudged(
            service=service, health="starting", reason=look.judging, promotable=look.promotable
        )
    if look.trouble == "drift":
        return DriftDetected(
            service=service, health="unhealthy", symptom="drift", reason=look.reason,
            drift_score=look.drift_score, features=look.names, samples=look.samples,
        )  # fmt: skip
    if look.trouble:
        return ModelDegraded(
            service=service, health="unhealthy", symptom=look.trouble, reason=look.reason,
            metric=look.metric, value=look.value, before=look.before, version=look.version,
        )  # fmt: skip
    return ModelJudged(service=service, health="healthy", reason=look.reason)


def _differs(told: Told, word: HealthChanged) -> bool:
    promotable = word.promotable if isinstance(word, ModelJudged) else 0
    return (told.health, told.symptom, told.promotable) != (word.health, word.symptom, promotable)


if __name__ == "__main__":
    run_alone(__file__)
