"""The hands for models: blocking code of ours in worker processes, which give their memory back when they end."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from config.model import Config, Service
from config.problems import ConfigError
from mlops import care
from mlops.errors import BadInputError
from mlops.hands import Done, Look, ModelError
from utils.workers import WorkerError, Workers

P = ParamSpec("P")
T = TypeVar("T")
LOOK_S, REPAIR_S, TRAIN_S, QUICK_S = 600.0, 1800.0, 7200.0, 300.0
DEADLINES = {"repair_data": REPAIR_S, "retrain": TRAIN_S}


class WorkerModels:
    """Implements ModelHands."""

    def __init__(self, workers: Workers, config: Callable[[], Config]) -> None:
        self._workers = workers
        self._config = config  # the daemon's, as it is now

    def _terms(self) -> care.Terms:
        config = self._config()
        return care.Terms(config.drift_detection, config.model_validation)

    async def look(self, service: Service) -> Look:
        return await self._run(care.look, LOOK_S, service, self._terms())

    async def done_since(self, step: str, service: Service, mark: str) -> Done | None:
        return await self._run(care.done_since, QUICK_S, service, self._terms(), step, mark)

    async def carry_out(self, step: str, service: Service, mark: str) -> Done:
        return await self._run(
            care.carry_out, DEADLINES.get(step, QUICK_S), service, self._terms(), step, mark
        )

    async def take_back(self, step: str, service: Service, way_back: str, mark: str) -> str:
        return await self._run(care.take_back, REPAIR_S, service, self._terms(), step, way_back, mark)

    async def _run(
        self, function: Callable[P, T], deadline_s: float, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return await self._workers.run(function, deadline_s, *args, **kwargs)
        except (BadInputError, ConfigError, WorkerError, OSError) as error:
            raise ModelError(" ".join(str(error).split())) from error
