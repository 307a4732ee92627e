"""Tells the loop the instant a process ends: a pidfd in the selector, or a look 20 times a second where there is none."""

import asyncio
import os
from collections.abc import Callable

_LOOK_S = 0.05


class ExitWatch:
    """Watches one process; calls `gone` once, in the loop. No thread, no SIGCHLD handler."""

    def __init__(self, pid: int, is_alive: Callable[[], bool], gone: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_alive = is_alive
        self._gone = gone
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor = _open(pid)
        if self._descriptor is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look)
        else:
            self._loop.add_reader(self._descriptor, self._ended)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _look(self) -> None:
        if self._is_alive():
            self._timer = self._loop.call_later(_LOOK_S, self._look)
        else:
            self._ended()

    def _ended(self) -> None:
        self.close()
        self._gone()


def _open(pid: int) -> int | None:
    """A pidfd; None where the kernel or a sandbox has none, or descriptors ran out."""
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        return int(opener(pid))
    except OSError:
        return None
