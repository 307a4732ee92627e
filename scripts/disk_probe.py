"""Whether the state folder can be written, tried while nothing happens that would be: a full disk is told before it matters."""

import asyncio
import contextlib
from pathlib import Path

from utils.disk import Disk, Offload, remove_if_there

EVERY_S = 10.0
LONGEST_S = 10.0
FILE = "probe"
BLOCK = b"." * 4096  # an empty file fits on a full disk


class DiskProbe:
    def __init__(self, disk: Disk, offload: Offload, folder: Path) -> None:
        self._disk, self._offload, self._file = disk, offload, folder / FILE
        self.problem = ""

    async def run(self) -> None:
        while True:
            self.problem = await self._once()
            await asyncio.sleep(EVERY_S)

    async def _once(self) -> str:
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._offload(self._write)
        except TimeoutError:
            return f"a block was not written within {LONGEST_S:g} s"
        except OSError as error:
            return f"it cannot be written: {error.strerror or error}"
        return ""

    def _write(self) -> None:
        """Unsynced, so that no act waits for it: failed syncs are the journal's to tell."""
        remove_if_there(self._disk, self._file)
        handle = self._disk.create(self._file)
        try:
            handle.write(BLOCK)
        finally:
            handle.close()
            with contextlib.suppress(OSError):
                self._disk.remove(self._file)
