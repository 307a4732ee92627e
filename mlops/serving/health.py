"""GET /health: does inference work? A canonical row goes the way of a request; the verdict is a second old at most."""

import time
from typing import Literal

from msgspec import Struct

from mlops.serving.predicting import scored, unready
from mlops.serving.slot import Slot
from mlops.serving.wire import encode

FRESH_S = 1.0


class Health(Struct, frozen=True):
    """`ok`; `degraded`: answers are given, yet something is wrong; `failing`: with status 503."""

    status: Literal["ok", "degraded", "failing"]
    model: str
    model_version: int | None
    detail: list[str]


class Doctor:
    """Keeps the newest verdict on each slot."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Health]] = {}

    def look(self, slot: Slot) -> Health:
        at, health = self._known.get(slot.name, (-FRESH_S, None))
        now = time.monotonic()
        if health is None or now - at >= FRESH_S or health.model_version != _version(slot):
            health = examined(slot)
            self._known[slot.name] = now, health
        return health


def _version(slot: Slot) -> int | None:
    return None if slot.champion is None else slot.champion.version


def examined(slot: Slot) -> Health:
    """Score the canonical row as a request would be."""
    served = slot.champion
    if served is None:
        return Health("failing", slot.name, None, [unready(slot).detail])
    try:
        scored(served, encode(served.canonical))
        served.prove()
    except Exception as error:  # noqa: BLE001 -- whatever it is, inference does not work
        return Health("failing", slot.name, served.version, [str(error), *slot.problems])
    return Health("degraded" if slot.problems else "ok", slot.name, served.version, slot.problems)
