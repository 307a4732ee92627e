"""What the failure predictor knows of all services beyond their ceilings: their pasts, and what was learnt from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from agents.events import AnomalyDetected, ChangeObserved, FixStarted, HealthChanged, ServiceSampled
from agents.predicting.learning import DEADLINE_S, MODEL, kept_and_learnt, past_file, recalled
from agents.predicting.past import Past, rows_each
from utils.array_files import read_array, write_array
from utils.workers import WorkerError

if TYPE_CHECKING:
    from pathlib import Path

    from agents.predicting.learning import Outcome
    from utils.workers import Workers

log = structlog.get_logger()
MOST_SERVICES = 100
ON_PURPOSE_S = 600.0  # after an act of ours on a service: its going down is no failure of its own
ANEW_S = 86_400.0  # learnt again, also where nothing failed meanwhile
TROUBLES = (WorkerError, OSError, ValueError, ArithmeticError, LookupError, MemoryError)


class Word(Struct, frozen=True):
    chance: float
    threshold: float
    lead_s: float
    reasons: tuple[str, ...]


class Foresight:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pasts: dict[str, Past] = {}
        self._acts: dict[str, float] = {}
        self._learnt: Outcome | None = None
        self._failures = 0  # since it was learnt
        self._learnt_at = float("-inf")

    @property
    def horizon_s(self) -> float:
        return self._learnt.card.horizon_s[1] if self._learnt is not None else 0.0

    def sample(self, event: ServiceSampled, well: bool) -> Word | None:
        """What is to be said at the end of a row, if anything."""
        past = self._past(event.service)
        if past is None:
            return None
        past.well = well
        return self._judge(past) if past.sample(event) else None

    def note(self, event: HealthChanged | ChangeObserved | AnomalyDetected | FixStarted, well: bool) -> None:
        """`well`: how the service was before."""
        if isinstance(event, FixStarted):
            self._acts[event.service] = event.at
            return
        past = self._past(event.service)
        if past is None:
            return
        if isinstance(event, AnomalyDetected):
            past.count("anomalies", event.at)
        elif isinstance(event, ChangeObserved):
            past.count("changes", event.at)
        elif well and event.health in {"unhealthy", "down"} and not self._on_purpose(event):
            self._failures += past.fail(event.at)
            past.count("troubles", event.at)

    def recall(self, services: list[str]) -> None:
        """What was kept of their pasts, before everything that was seen since."""
        for service in services[:MOST_SERVICES]:
            kept = read_array(past_file(self._folder, service))
            past = self._past(service)
            if kept is not None and past is not None:
                past.most = rows_each(len(services))
                past.put(*kept)

    async def recall_learnt(self, workers: Workers) -> None:
        if not (self._folder / MODEL).exists():
            return
        try:
            self._learnt = await workers.run(recalled, DEADLINE_S, self._folder)
        except TROUBLES as error:
            log.warning("foresight_not_recalled", error=str(error))

    def keep(self, services: list[str]) -> None:
        """Writes all pasts; those of services that are no longer declared are forgotten."""
        for gone in set(self._pasts) - set(services):
            del self._pasts[gone]
            past_file(self._folder, gone).unlink(missing_ok=True)
        for service, past in self._pasts.items():
            past.most = rows_each(len(self._pasts))
            if len(past):
                write_array(past_file(self._folder, service), past.names, past.rows())

    async def learn(self, workers: Workers, now: float, unix: float) -> None:
        """Anew where something failed since the last time, or a day has passed. `unix`: `now` on the wall clock."""
        if not self._failures and now < self._learnt_at + ANEW_S:
            return
        failures, self._learnt_at = self._failures, now
        try:
            found = await workers.run(
                kept_and_learnt, DEADLINE_S, self._folder, tuple(self._pasts), unix - now
            )
        except TROUBLES as error:
            log.warning("failures_not_learnt", error=str(error))
            return
        self._failures -= failures
        self._learnt = found if found.scorer is not None else None
        log.info("failures_learnt", used=found.card.used, why=found.card.why, failures=found.card.failures)

    def _past(self, service: str) -> Past | None:
        past = self._pasts.get(service)
        if past is None and len(self._pasts) < MOST_SERVICES:
            past = self._pasts[service] = Past()
        return past

    def _on_purpose(self, event: HealthChanged) -> bool:
        acted_at = self._acts.get(event.service)
        return acted_at is not None and event.at < acted_at + ON_PURPOSE_S

    def _judge(self, past: Past) -> Word | None:
        if self._learnt is None or self._learnt.scorer is None or not len(past):
            return None
        scorer, held = self._learnt.scorer, self._learnt.card.forward
        samples = past.record(scorer.names)
        chance = scorer.chance(samples)
        if chance < scorer.threshold:
            return None
        lead_s = held.lead if held is not None else scorer.horizon[1]
        return Word(chance, scorer.threshold, lead_s, scorer.reasons(samples))
