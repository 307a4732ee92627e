"""Passes records on a moment later, in one piece: no fix waits for those who only watch."""

import asyncio
from collections.abc import Callable

from utils.event import Record
from utils.structured_logger import get_logger

log = get_logger("behind")
LATER_S = 0.05


class Behind:
    """A listener of the runner in front of others; one that fails harms no other."""

    def __init__(self, *listeners: Callable[[Record], None]) -> None:
        self._listeners = listeners
        self._waiting: list[Record] = []

    def record(self, record: Record) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(LATER_S, self.catch_up)
        self._waiting.append(record)

    def catch_up(self) -> None:
        """What waits, now."""
        records, self._waiting = self._waiting, []
        for record in records:
            for listener in self._listeners:
                try:
                    listener(record)
                except Exception as error:
                    log.exception("listener_failed", position=record.position, error=repr(error))
