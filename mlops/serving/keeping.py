"""Brings what gathered in the logs to disk, several times a second, in one thread beside the loop."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mlops.serving.slot import Slot

PAUSE_S = 0.05
SYNC_S = 1.0  # a power cut costs the predictions of so long; an acknowledged label never


class Keeper:
    """`run` until cancelled, then `close`."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = slots
        self._thread = ThreadPoolExecutor(1, "logs")  # one: a log has one writer at a time
        self._synced = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PAUSE_S)
            if any(log.waiting or log.unsynced for slot in self._slots for log in (slot.log, slot.labels)):
                await loop.run_in_executor(self._thread, self._flush)

    async def labels(self, slot: Slot) -> None:
        """Return when the labels that were given so far are on disk, or the log tells why they are not."""
        await asyncio.get_running_loop().run_in_executor(self._thread, slot.labels.flush_and_sync)

    def close(self) -> None:
        """Write all that waits; blocks for the disk."""
        self._thread.shutdown(wait=True)
        for slot in self._slots:
            slot.log.close()
            slot.labels.close()

    def _flush(self) -> None:
        now = time.monotonic()
        sync = now - self._synced >= SYNC_S
        self._synced = now if sync else self._synced
        for slot in self._slots:
            if slot.log.waiting or (sync and slot.log.unsynced):
                slot.log.flush(sync=sync)
            if slot.labels.waiting or slot.labels.unsynced:
                slot.labels.flush(sync=True)
