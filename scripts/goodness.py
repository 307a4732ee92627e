"""Whether the daemon itself is well: one list of what is wrong, empty while everything works."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from agents.canary import Canary
from config.ourselves import CANARY
from scripts.drill import Drill

if TYPE_CHECKING:
    from scripts.daemon import Daemon

WAITED_S = 12.0  # more than the second try of a handling waits; the oldest fact in an inbox, long fixes apart
NO_TICK_S = 10.0
SLOW_HANDS = frozenset(
    {"application_recovery", "infrastructure_recovery", "data_recovery", "chaos_controller"}
)

Source = Callable[[], str]  # what is wrong with it, or ""


class Goodness:
    """`inner` is about this process alone; what we only reach over a network is no reason to start anew."""

    def __init__(self, daemon: "Daemon", drill: Drill, outer: dict[str, Source] | None = None) -> None:
        self._daemon = daemon
        self._drill = drill
        self.outer = outer or {}

    def inner(self) -> list[str]:
        return [*self._loops(), *self._inboxes()]

    def everything(self) -> list[str]:
        return [*self.inner(), *self._beyond()]

    def _loops(self) -> Iterator[str]:
        daemon = self._daemon
        cell = daemon.runner.cells.get(CANARY)
        ticked_at = cell.agent.ticked_at if cell is not None and isinstance(cell.agent, Canary) else 0.0
        if ticked_at and daemon.clock.now() - ticked_at > NO_TICK_S:
            yield f"no tick of the monitor for {daemon.clock.now() - ticked_at:.0f} s"
        for name in daemon.runner.cells:
            if daemon.care.status(name) == "given_up":
                yield f"{name} was given up"

    def _inboxes(self) -> Iterator[str]:
        now = self._daemon.clock.now()
        for name, cell in self._daemon.runner.cells.items():
            if name not in SLOW_HANDS and cell.lag_s(now) > WAITED_S:
                yield f"a fact has been waiting for {name} for {cell.lag_s(now):.0f} s"

    def _beyond(self) -> Iterator[str]:
        journal = self._daemon.journal
        if journal.failing:
            yield f"the state folder cannot be written: {journal.health.problem}"
        if self._drill.problem:
            yield self._drill.problem
        elif self._drill.overdue_s() > 0:
            yield "no synthetic incident has passed for too long"
        for name, source in self.outer.items():
            if why := source():
                yield f"{name}: {why}"
