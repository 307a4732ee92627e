"""What the daemon's agents may ask of a model's life."""

from typing import Literal, NoReturn, Protocol

from msgspec import Struct

from config.model import Service

Trouble = Literal["", "data_quality", "drift", "worse_since_promotion", "degraded"]


class ModelError(Exception):
    """It could not be done, or nobody can tell; the text is one line for people."""


class Look(Struct, frozen=True, kw_only=True):
    """How a model is. `trouble` empty and `judging` empty: nothing is wrong."""

    trouble: Trouble = ""
    reason: str = ""  # one line for people
    judging: str = ""  # a shadow model is being judged: how far that is
    promotable: int = 0  # the version that has passed the gate and waits for permission
    path: str = ""  # of a damaged table
    names: tuple[str, ...] = ()  # of damaged columns, or of drifted features
    drift_score: float = 0.0
    samples: int = 0
    metric: str = ""
    value: float = 0.0
    before: float = 0.0
    version: int = 0
    next_s: float = 300.0  # when to look again


class Done(Struct, frozen=True, kw_only=True):
    """What an act did. `undo` says how it would be taken back, for people; `way_back` for whoever does it."""

    detail: str
    undo: str = ""
    way_back: str = ""


class ModelHands(Protocol):
    """Every call raises ModelError where it cannot be done."""

    async def look(self, service: Service) -> Look: ...

    async def done_since(self, step: str, service: Service, mark: str) -> Done | None:
        """What this very act, by its mark, did before a crash of ours; None: nothing."""
        ...

    async def carry_out(self, step: str, service: Service, mark: str) -> Done: ...

    async def take_back(self, step: str, service: Service, way_back: str, mark: str) -> str: ...


class NoModels:
    """Where there are no hands for models: nobody can tell how they are."""

    async def look(self, service: Service) -> Look:
        self._refuse(service)

    async def done_since(self, step: str, service: Service, mark: str) -> Done | None:
        del step, mark
        self._refuse(service)

    async def carry_out(self, step: str, service: Service, mark: str) -> Done:
        del step, mark
        self._refuse(service)

    async def take_back(self, step: str, service: Service, way_back: str, mark: str) -> str:
        del step, way_back, mark
        self._refuse(service)

    def _refuse(self, service: Service) -> NoReturn:
        raise ModelError(f"{service.name}: no hands for models here")
