"""What a retraining works with: places, limits, the trainer, and the clock."""

import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from config.model import DriftDetection
from config.monitoring import ModelSpec
from mlops.gate import GateLimits
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.registry.registry import Registry
from mlops.retraining.log import log_event
from mlops.retraining.record import Run, told, write_run
from mlops.retraining.watch import Counts
from mlops.tables import Table
from utils.disk import Disk, OsDisk


class Trained(Protocol):
    @property
    def model(self) -> LoadedModel: ...


Trainer = Callable[[ModelSpec, Table, Places], Trained]


class Failures(Struct, frozen=True):
    """Requests that the service failed to answer, of all that were asked; before the promotion and after it."""

    before: Counts
    after: Counts


def renewed(spec: ModelSpec, run: Run, desk: "Desk") -> None:
    """After a promotion drift is measured from what the new champion was judged by."""
    from mlops.retraining.renewal import renew_reference

    renew_reference(spec, run, desk.places, desk.now())


class Desk(Struct, frozen=True, kw_only=True):
    places: Places
    drift: DriftDetection = DriftDetection()
    limits: GateLimits = GateLimits()
    trainer: Trainer | None = None  # None: mlops.training
    now: Callable[[], float] = time.time
    disk: Disk = OsDisk()
    failures: Callable[[Run], Failures | None] = lambda _: None  # of whoever counts errors of the service
    tracking: bool = False  # in MLflow: the run, and the aliases
    seed: int = 0
    lookback_s: float = 86_400.0  # requests this young are of the window that drifted
    may_promote: bool = True  # False: who asks for permission elsewhere comes again with it
    may_roll_back: bool = True
    renew: Callable[[ModelSpec, Run, "Desk"], None] = renewed

    def registry(self, spec: ModelSpec) -> Registry:
        return Registry(self.places, spec.name, keep=spec.keep_versions, disk=self.disk)

    def mirror(self, spec: ModelSpec) -> None:
        """The pointer is the truth: a store that is down is told of by whoever reconciles it."""
        if self.tracking:
            from mlops.registry.mirror import mirror

            mirror(self.places, spec.name)

    def train(self, spec: ModelSpec, table: Table) -> Trained:
        if self.trainer is not None:
            return self.trainer(spec, table, self.places)
        from mlops.training.train import train

        return train(spec, table, self.places, seed=self.seed, tracking=self.tracking)

    def save(self, run: Run) -> Run:
        write_run(self.disk, self.places, run)
        return run

    def log(self, run: Run, event: str, reason: str) -> None:
        log_event(
            self.disk,
            self.places,
            {
                "timestamp": told(self.now()),
                "model": run.model,
                "event": event,
                "drift_score": run.drift_score,
                "version": run.challenger,
                "reason": reason,
                "run": run.id,
            },
        )
