"""What an agent is: events in, events out, state changed by `apply` alone."""

from collections.abc import Awaitable
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from utils.event import Event, Results

__all__ = ["Agent", "AgentRestarter", "Outlet", "Results", "Rooted", "Traits"]


class Traits(Struct, frozen=True, kw_only=True):
    """How the runner treats an agent."""

    waits_for_disk: bool = False  # True for all who reach outside
    later_s: float = 0.0  # of a plain agent that can wait: so much later, behind those who heal, in one piece
    workers: int = 1
    deadline_s: float = 30.0  # of one async handling; an act's own deadline stands in its event
    attempts: int = 3
    optional: bool = False  # runs under the supervisor of optional agents


class Agent(Protocol):
    """`handle` decides and returns what follows; `apply` folds facts and may not raise or look elsewhere.

    `apply` sees each fact that the agent handled, then each fact that it emitted, in the order of the agent's own
    records, when it happens and at every replay alike. `state` is a Struct whose fields are tables: dicts from str to
    frozen values, which are replaced and never changed. A plain `handle` runs as one step that nothing interrupts;
    an `async handle` runs in lanes, ordered per service and concurrent across services.

    It may have `urgent`, types of facts that pass a lane in which an act is in hand, and `unhurried`, types that wake
    nobody for 2 ms because they are only to be known.
    """

    @property
    def name(self) -> str: ...
    @property
    def consumes(self) -> tuple[type[Event], ...]: ...
    @property
    def emits(self) -> tuple[type[Event], ...]: ...
    @property
    def traits(self) -> Traits: ...

    state: Any

    def handle(self, event: Any) -> Results | Awaitable[Results]: ...
    def apply(self, fact: Any) -> None: ...


class Outlet(Protocol):
    """What an agent with eyes or hands uses to say something outside of `handle`."""

    def emit(self, *events: Event, because: Event | None = None) -> None:
        """Record facts and publish telemetry, at once. `because` gives cause and incident."""
        ...

    async def durable(self) -> None:
        """Wait until everything said so far is on disk."""
        ...

    def now(self) -> float:
        """Seconds on the steady clock, the one of `at`."""
        ...


class AgentRestarter(Protocol):
    """Whoever runs agents, as a fix for one of them sees it."""

    def began_at(self, agent: str) -> float:
        """When its present life began, on the clock of `at`; 0: it has none."""
        ...

    async def restart(self, agent: str) -> None:
        """End its life, or take it up again where it was given up; returns when a new life has begun.

        LookupError: no such agent runs here. TimeoutError: it does not die, or no life begins.
        """
        ...


@runtime_checkable
class Rooted(Protocol):
    """An agent with a life of its own beside `handle`: probe loops, watchers. Cancelled to stop."""

    async def run(self, outlet: Outlet) -> None: ...
