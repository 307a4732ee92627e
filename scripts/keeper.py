"""Keeps what agents know: restores it at a start, saves it now and then, lets go of journal that nobody needs."""

import asyncio
from collections.abc import Iterable

from agents.events import OperatorCommanded
from agents.running.cell import Cell
from agents.running.runner import Runner
from utils.event import Record
from utils.journal import Journal
from utils.snapshots import Snapshots
from utils.structured_logger import get_logger

log = get_logger("keeper")
EVERY_S = 60.0
EVERY_RECORDS = 20_000
LOOK_S = 0.5


class Keeper:
    def __init__(
        self, runner: Runner, journal: Journal, snapshots: Snapshots, every_s: float = EVERY_S
    ) -> None:
        self.runner = runner
        self.journal = journal
        self.snapshots = snapshots
        self.every_s = every_s
        self._saved_at_position = journal.position
        self._commands: set[str] = set()  # of people, not saved yet
        runner.listeners.append(self._listen)

    def restore(self, cell: Cell) -> None:
        """A fresh agent with the state of its newest whole snapshot, and the journal behind it."""
        kind = type(cell.build().state)
        loaded = self.snapshots.load(cell.name, kind, self.journal.position)
        if loaded is None:
            self.runner.rebuild(cell, None, None)
        else:
            self.runner.rebuild(cell, loaded.state, loaded.header)

    async def run(self) -> None:
        """Until cancelled. Whoever has no snapshot gets one at once, so that a later start knows where to begin."""
        await self._save(cell for cell in self.runner.cells.values() if not cell.has_snapshot)
        loop = asyncio.get_running_loop()
        saved_at = loop.time()
        while True:
            await asyncio.sleep(min(LOOK_S, self.every_s))
            grown = self.journal.position - self._saved_at_position
            due = grown >= EVERY_RECORDS or (grown and loop.time() - saved_at >= self.every_s)
            if due or self._commands_wait_for_us():
                await self.save_all()
                saved_at = loop.time()

    def _listen(self, record: Record) -> None:
        self._commands.update(fact.id for fact in record.results if isinstance(fact, OperatorCommanded))

    def _commands_wait_for_us(self) -> bool:
        """What people decided is soon in two files, each of which may be damaged: once all who live have folded it."""
        living = [cell for cell in self.runner.cells.values() if cell.began_at] if self._commands else []
        if not self._commands or any(self._commands & cell.inbox.unhandled().keys() for cell in living):
            return False
        self._commands.clear()
        return True

    async def save_all(self) -> None:
        self._saved_at_position = self.journal.position
        await self._save(self.runner.cells.values())
        since = self.snapshots.min_since(self.runner.cells)
        self.journal.forget(since)

    async def _save(self, cells: Iterable[Cell]) -> None:
        for cell in list(cells):
            try:
                await self.snapshots.save(cell.name, cell.agent.state, cell.mark())
                cell.has_snapshot = True
            except OSError as error:
                log.warning("snapshot_not_saved", agent=cell.name, error=str(error))
