"""What a fault is: planned without touching anything, made, undone by whoever reads its plan, and looked for afterwards."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from config.model import Config, Service
from platforms.chaos.insides import Insides
from platforms.platform import Incarnation, Platform
from platforms.processes.boots import Boots
from platforms.processes.table import process_table


class FaultRefused(ValueError):  # noqa: N818 - a refusal is an answer
    """This fault cannot be made here; the message says why."""


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that undoing needs, by another process too; it is on disk before the fault is in."""

    id: str
    service: str
    fault: str


class NoOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be chosen."""


@dataclass
class Ground:
    """What faults are made on."""

    platform: Platform
    folder: Path  # keeps what undoing needs beside the plan itself
    config: Callable[[], Config] = Config
    boots: Boots = field(default_factory=Boots)
    ill: Callable[[], AbstractSet[str]] = frozenset  # the services that are not well at this moment
    insides: Insides | None = None  # None: nothing of ourselves can be broken here

    def living(self, service: str) -> Incarnation:
        life = self.platform.current(service)
        if life is None:
            raise FaultRefused(f"{service} does not run")
        return life

    def process(self, service: str) -> Incarnation:
        """The living process of a service that we run ourselves."""
        life = self.living(service)
        if life.pid <= 1:
            raise FaultRefused(f"{service} is no process of ours")
        return life


P = TypeVar("P", bound=Plan)
Q = TypeVar("Q", bound=Struct)


class Fault(Generic[P, Q]):
    """One kind of fault. Every method but `plan` may be called again, and by a process that never planned it."""

    plan_type: ClassVar[type[Any]]
    options: type[Any] = NoOptions
    starts: ClassVar[bool] = False  # its undo starts a process

    def __init__(self, name: str, ground: Ground) -> None:
        self.name = name
        self.ground = ground

    async def plan(self, service: Service, plan_id: str, options: Q, for_s: float) -> P:
        """Changes nothing that anybody can feel. Raises FaultRefused."""
        raise NotImplementedError

    async def inject(self, plan: P) -> str:
        """Answers what was done, in one line. Raises PlatformError or OSError."""
        raise NotImplementedError

    async def undo(self, plan: P) -> str:
        """Undo what is still there; answers what was done. Raises PlatformError or OSError."""
        raise NotImplementedError

    async def verify(self, plan: P) -> str:
        """What of it is still in the world, in one line; empty: nothing."""
        raise NotImplementedError


def is_same(pid: int, started_at: float) -> bool:
    """Whether the process of the plan lives still: numbers are used again."""
    now = process_table().read(pid)
    return now is not None and now.alive and now.started_at == started_at
