"""A thread that notices a frozen event loop and ends the process, so that whoever runs it starts it anew."""

import faulthandler
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
LOOK_S = 1.0


class FreezeGuard:
    """`beat` comes from the loop. Time in which the whole process or machine stood still is nobody's fault."""

    def __init__(
        self,
        stacks: Path,
        limit_s: float = 30.0,
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stacks = stacks
        self._limit_s = limit_s
        self._end = end
        self._clock = clock
        self._beat_at = self._looked_at = clock()
        self._over = threading.Event()

    def beat(self) -> None:
        self._beat_at = self._clock()

    def start(self) -> None:
        threading.Thread(target=self._run, name="freeze_guard", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def look(self) -> bool:
        """Whether the loop is frozen. A look that came late forgives as much."""
        now = self._clock()
        stood_still_s = now - self._looked_at - LOOK_S
        self._looked_at = now
        if stood_still_s > LOOK_S:
            self._beat_at += stood_still_s
        return now - self._beat_at > self._limit_s

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            if self.look():
                self._dump()
                self._end(EXIT_CODE)
                return

    def _dump(self) -> None:
        """What every thread was at: the only witness."""
        try:
            with self._stacks.open("w") as file:
                file.write(f"the event loop did nothing for {self._limit_s:g} s\n")
                file.flush()
                faulthandler.dump_traceback(file, all_threads=True)
        except OSError:
            return
