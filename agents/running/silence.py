"""Makes silence visible: an agent that leaves a fact waiting for too long is failing, whatever it says of itself."""

import asyncio
from collections.abc import Callable, Mapping

from agents.running.cell import Cell
from utils.structured_logger import get_logger

log = get_logger("silence")
LOOK_S = 5.0
LIMIT_S = 60.0


class Silence:
    """`restart` makes a supervised child die as if it had crashed. Time that nobody watched counts for nothing."""

    def __init__(
        self,
        cells: Mapping[str, Cell],
        restart: Callable[[str, str], None],
        now: Callable[[], float],
        limit_s: float = LIMIT_S,
    ) -> None:
        self._cells = cells
        self._restart = restart
        self._now = now
        self._limit_s = limit_s
        self._waiting: dict[
            str, tuple[str, int]
        ] = {}  # agent -> the fact it leaves waiting, and for how many looks

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Count looks, not seconds: a daemon that was frozen for an hour has looked only once in it."""
        for name, cell in self._cells.items():
            item = cell.inbox.oldest_waiting()
            if item is None:
                self._waiting.pop(name, None)
                continue
            fact, looks = self._waiting.get(name, ("", 0))
            looks = looks + 1 if fact == item.id else 0
            self._waiting[name] = (item.id, looks)
            if looks * LOOK_S >= self._limit_s:
                self._waiting.pop(name)
                waited_s = cell.lag_s(self._now())
                log.error("agent_silent", agent=name, fact=item.id, waited_s=round(waited_s))
                self._restart(name, f"fact {item.id} has been waiting for {waited_s:.0f} s")
