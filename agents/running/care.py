"""Takes care of agents: tells of those that were given up or fell silent, and starts one anew when a fix asks for it."""

import asyncio
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from agents.events import AgentHealthChanged
from agents.running.cell import Cell
from agents.running.runner import Runner
from config.ourselves import own_name
from utils.structured_logger import get_logger

log = get_logger("care")
LOOK_S = 5.0
SILENT_S = 60.0
WELL_S = 10.0  # so long alive, without a failure, and with nothing waiting
RESTART_S = 45.0  # its supervisor may wait for 30
POLL_S = 0.05
Status = Literal["running", "restarting", "silent", "given_up"]


class Ill(Struct):
    """`of_life` is the life that was told of; the rest is as the last look found it."""

    of_life: float
    life: float = 0.0
    failed: int = 0
    calm: int = 0  # looks in a row at which it worked
    pretended: bool = False  # so that only a new life ends it


class Care:
    """Restarts are the supervisors' and go on without it. An agent whom the way to a fix leads through cannot wait
    for that fix: when such a healer falls silent it dies at once, as if it had crashed. Looks are counted, not
    seconds: a daemon that was frozen for an hour has looked only once in it."""

    def __init__(
        self, runner: Runner, kill: Callable[[str, str], None], is_healer: Callable[[str], bool]
    ) -> None:
        self._runner = runner
        self._kill = kill
        self._is_healer = is_healer
        self._given_up: dict[str, asyncio.Event] = {}
        self._waiting: dict[
            str, tuple[str, int]
        ] = {}  # agent -> the fact it leaves waiting, for how many looks
        self._ill: dict[str, Ill] = {}

    # --- for fixes ---

    def began_at(self, agent: str) -> float:
        """When its present life began; 0: it has none."""
        cell = self._runner.cells.get(agent)
        return cell.began_at if cell is not None else 0.0

    async def restart(self, agent: str) -> None:
        """Returns when a new life has begun. LookupError: no such agent runs here; TimeoutError: it does not die."""
        before = self._runner.cells[agent].counters.starts
        if (taken_up := self._given_up.get(agent)) is not None:
            taken_up.set()
        else:
            self._kill(agent, "a fix starts it anew")
        async with asyncio.timeout(RESTART_S):
            while self._runner.cells[agent].counters.starts == before:  # noqa: ASYNC110 - a life begins untold
                await asyncio.sleep(POLL_S)

    # --- for supervisors ---

    async def given_up(self, agent: str, why: str) -> None:
        """Tell it, and wait until it is to be taken up again."""
        log.critical("agent_given_up", agent=agent, why=why)
        taken_up = self._given_up[agent] = asyncio.Event()
        self._tell_ill(agent, "down", why)
        try:
            await taken_up.wait()
        finally:
            del self._given_up[agent]

    # --- for the drill ---

    def pretend_ill(self, agent: str, why: str) -> None:
        """As if it had fallen silent; nothing while it is ill already."""
        if agent not in self._ill and agent in self._runner.cells:
            self._tell_ill(agent, "unhealthy", why)
            self._ill[agent].pretended = True

    # --- for people ---

    def status(self, agent: str) -> Status:
        if agent in self._given_up:
            return "given_up"
        if not self.began_at(agent):
            return "restarting"
        return "silent" if agent in self._ill else "running"

    # --- looking ---

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        for name, cell in self._runner.cells.items():
            looks = self._looks_waited(name, cell)
            if looks * LOOK_S >= SILENT_S:
                del self._waiting[name]
                self._found_silent(name, cell)
            elif name in self._ill:
                self._look_again(name, cell, waits=looks > 0)

    def _looks_waited(self, name: str, cell: Cell) -> int:
        """By the present life; where there is none, its supervisor is at work."""
        item = cell.inbox.oldest_waiting() if cell.began_at else None
        if item is None:
            self._waiting.pop(name, None)
            return 0
        fact, looks = self._waiting.get(name, ("", 0))
        looks = looks + 1 if fact == item.id else 0
        self._waiting[name] = (item.id, looks)
        return looks

    def _found_silent(self, name: str, cell: Cell) -> None:
        if name in self._ill and self._ill[name].of_life == cell.began_at:
            return  # told already
        why = f"a fact has been waiting for {cell.lag_s(self._runner.now()):.0f} s"
        log.error("agent_silent", agent=name, why=why)
        if self._is_healer(name):
            self._kill(name, why)
        else:
            self._tell_ill(name, "unhealthy", why)

    def _look_again(self, name: str, cell: Cell, *, waits: bool) -> None:
        ill = self._ill[name]
        if ill.pretended and ill.of_life == cell.began_at:
            return
        same = (ill.life, ill.failed) == (cell.began_at, cell.counters.failed)
        ill.calm = ill.calm + 1 if same and cell.began_at and not waits else 0
        ill.life, ill.failed = cell.began_at, cell.counters.failed
        if ill.calm * LOOK_S >= WELL_S:
            del self._ill[name]
            self._tell(name, "healthy", "it works again")

    def _tell_ill(self, name: str, health: Literal["down", "unhealthy"], why: str) -> None:
        self._ill[name] = Ill(self.began_at(name))
        self._tell(name, health, why)

    def _tell(self, name: str, health: Literal["down", "unhealthy", "healthy"], why: str) -> None:
        symptom: Literal["given_up", "silent", ""] = ""
        if health != "healthy":
            symptom = "given_up" if health == "down" else "silent"
        told = AgentHealthChanged(service=own_name(name), health=health, symptom=symptom, reason=why)
        self._runner.say("runner", [told])
