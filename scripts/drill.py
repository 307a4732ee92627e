"""The synthetic incident: the canary falls ill on purpose, and everybody on the way to its healing has to work."""

import asyncio
from typing import TYPE_CHECKING

from agents.events import Fact, FixRefused, IncidentClosed, SelfTested
from config.ourselves import CANARY, own_name
from utils.event import Record
from utils.structured_logger import get_logger

if TYPE_CHECKING:
    from scripts.daemon import Daemon

log = get_logger("drill")
FIRST_S = 20.0
EVERY_S = 300.0
LONGEST_S = 70.0  # with EVERY_S and the patience of who hears the heartbeat: seven minutes
HELD_BY = frozenset(
    {"paused", "dry_run", "recovery_disabled", "lease", "maintenance"}
)  # people want nothing to move


class Drill:
    """`problem` is empty while the last one passed; before the first one nothing is known, and nothing is wrong."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self.problem = ""
        self.passed_at = daemon.clock.now()
        self._step = ""
        self._ended: asyncio.Event = asyncio.Event()
        self._held = False  # somebody wants nothing to move: the way up to the gate is proven all the same
        daemon.runner.listeners.append(self._listen)

    async def run(self) -> None:
        await self._daemon.ready.wait()
        await asyncio.sleep(FIRST_S)
        while True:
            began_at = self._daemon.clock.now()
            await self._once(began_at)
            spent_s = self._daemon.clock.now() - began_at
            await asyncio.sleep(max(EVERY_S - spent_s, LONGEST_S))

    def overdue_s(self) -> float:
        """How long the last good one lies back beyond what is usual."""
        return max(self._daemon.clock.now() - self.passed_at - EVERY_S - LONGEST_S, 0.0)

    async def _once(self, began_at: float) -> None:
        self._ended.clear()
        self._step, self._held = "nobody opened an incident", False
        self._daemon.care.pretend_ill(CANARY, "on purpose: this is the drill of every five minutes")
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._ended.wait()
        except TimeoutError:
            pass
        seconds = self._daemon.clock.now() - began_at
        stuck = not self._ended.is_set()
        self.problem = f"the synthetic incident got stuck: {self._step}" if stuck else ""
        if stuck:
            log.error("drill_stuck", step=self._step)
        else:
            self.passed_at = self._daemon.clock.now()
        self._daemon.runner.say(
            "operator",
            [
                SelfTested(
                    ok=not stuck,
                    seconds=round(seconds, 3),
                    step=self._step if stuck or self._held else "",
                )
            ],
        )

    def _listen(self, record: Record) -> None:
        for fact in record.results:
            if isinstance(fact, Fact) and fact.service == own_name(CANARY) and fact.incident:
                self._follow(fact)

    def _follow(self, fact: Fact) -> None:
        self._step = f"it came as far as {type(fact).__name__}"
        if isinstance(fact, IncidentClosed) and fact.outcome == "healed":
            self._ended.set()
        elif isinstance(fact, FixRefused) and fact.limit in HELD_BY:
            self._step = f"held back: {fact.reason}"
            self._held = True
            self._ended.set()
