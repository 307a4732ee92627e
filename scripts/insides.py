"""What of the running daemon can be broken on purpose, where CHAOS_ENABLED lets it."""

import time
from typing import TYPE_CHECKING, cast

from agents.service_monitor import ServiceMonitor
from platforms.chaos.cuts import Cuts
from platforms.chaos.troubled_disk import Problem, TroubledDisk

if TYPE_CHECKING:
    from scripts.daemon import Daemon


ILL = frozenset({"unhealthy", "down"})


def ill(daemon: "Daemon") -> set[str]:
    """The services that the monitor knows to be not well."""
    cell = daemon.runner.cells.get("service_monitor")
    if cell is None or not isinstance(cell.agent, ServiceMonitor):
        return set()
    state = cell.agent.state
    return {s.name for s in daemon.world.config.services if state.life(s.name).health in ILL}


class DaemonInsides:
    """Implements `Insides`."""

    def __init__(self, daemon: "Daemon", disk: TroubledDisk, cuts: Cuts) -> None:
        self._daemon = daemon
        self._disk = disk
        self._cuts = cuts

    def agents(self) -> tuple[str, ...]:
        return tuple(self._daemon.runner.cells)

    def reached(self) -> tuple[str, ...]:
        return tuple(sorted(self._cuts.known))

    def kill_agent(self, name: str) -> None:
        self._daemon.kill(name, "a chaos experiment")

    def block_loop(self, seconds: float) -> None:
        time.sleep(seconds)  # on purpose in the loop's own thread

    def fail_disk(self, problem: str) -> None:
        self._disk.problem = cast("Problem", problem)

    def cut(self, whom: str, *, is_cut: bool) -> None:
        if is_cut:
            self._cuts.cut.add(whom)
        else:
            self._cuts.cut.discard(whom)

    def state(self) -> dict[str, str]:
        broken = {"disk": self._disk.problem} if self._disk.problem else {}
        return broken | dict.fromkeys(self._cuts.cut, "cut")
