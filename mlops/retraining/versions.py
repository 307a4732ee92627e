"""A champion beside the version before it, by labels: so that a promotion by hand is watched, too."""

from datetime import datetime

import numpy as np
from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.models.card import Card
from mlops.places import Places
from mlops.predictions.labels import Matured, matured
from mlops.registry.reader import Reader
from mlops.retraining.gathering import TOLERATED, outcomes
from mlops.retraining.watch import Alarm, Counts, watch

BACK_S = 14 * 86_400.0  # answers of the version before that still count
LEAST_BEFORE = 100
DAY_S = 86_400.0


class Compared(Struct, frozen=True):
    champion: int
    before: int
    alarm: Alarm

    @property
    def says(self) -> str:
        shares = f"{self.alarm.after:.1%} of its answers are bad, {self.alarm.before:.1%} of version {self.before}'s were"
        return f"version {self.champion} does worse since its promotion: {shares}"


def compare(spec: ModelSpec, places: Places, now: float) -> Compared | None:
    """None where there is nothing to go back to, or too few labelled answers of the version before."""
    pointer = Reader(places, spec.name).pointer()
    change = pointer.change
    if pointer.champion is None or not pointer.previous or change is None or change.kind == "rolled_back":
        return None
    champion, before = pointer.champion, pointer.previous[-1]
    card = Reader(places, spec.name).load(champion).card
    found = matured(places, spec.name, since=now - BACK_S)
    old, new = _errors(card, found, before), _errors(card, found, champion)
    if len(old) < LEAST_BEFORE:
        return None
    limit = 0.5 if spec.task == "classification" else float(np.quantile(old, TOLERATED))
    days = (now - _promoted_at(places, spec.name, champion, now)) / DAY_S
    alarm = watch(_counts(old, limit), _counts(new, limit), days=days)
    return Compared(champion, before, alarm)


def _errors(card: Card, found: Matured, version: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    mine = np.flatnonzero(found.version == version)
    errors = np.abs(outcomes(card, found.prediction[mine]) - outcomes(card, found.labels[mine]))
    return errors[np.isfinite(errors)]


def _counts(errors: np.ndarray[tuple[int], np.dtype[np.float64]], limit: float) -> Counts:
    return Counts(len(errors), int((errors > limit).sum()))


def _promoted_at(places: Places, model: str, champion: int, now: float) -> float:
    for change in reversed(Reader(places, model).history()):
        if change.kind == "promoted" and change.to_version == champion:
            return datetime.fromisoformat(change.at).timestamp()
    return now
