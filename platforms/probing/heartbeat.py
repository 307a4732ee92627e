"""Tells how old a heartbeat is by our own clock, so that a jump of the wall clock makes no service look dead."""

import time
from collections.abc import Callable
from pathlib import Path


class Heartbeats:
    """Remembers when each file was last seen to change."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._seen: dict[Path, tuple[int, float, float]] = {}  # path -> (mtime_ns, beat at, looked at)

    def age_s(self, path: Path, now: float) -> float:
        """`now` is steady. Raises OSError if the file cannot be looked at."""
        mtime_ns = path.stat().st_mtime_ns
        before = self._seen.get(path)
        if before is not None and before[0] == mtime_ns:
            beat_at = before[1]
        else:
            wall_age_s = max(0.0, self._wall() - mtime_ns / 1e9)
            since_look_s = now - before[2] if before is not None else wall_age_s
            beat_at = now - min(
                wall_age_s, since_look_s
            )  # it changed after we looked, whatever the wall says
        self._seen[path] = mtime_ns, beat_at, now
        return now - beat_at
