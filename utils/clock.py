"""Time that never jumps: the machine's boot-time clock plus an offset that is stored once."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from utils.sealed import SealBrokenError, unsealed


class Clock(Protocol):
    """`now` is what `at` means; `wall` is only for people and calendars."""

    def now(self) -> float: ...
    def wall(self, at: float) -> datetime: ...


class Offset(Struct, frozen=True):
    """What is stored: within one boot the offset stays, after a new boot it is taken anew and never backwards."""

    boot_id: str
    offset_s: float


def boot_time_s() -> float:
    """Seconds since boot, time asleep included; plain monotonic time where the system has no such clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def boot_id() -> str:
    """Names this boot of the machine; empty where the system has no name for it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class SteadyClock:
    """`now()` in seconds: near Unix time when the state folder was made, steady from then on."""

    def __init__(self, offset_s: float, boot_time: Callable[[], float] = boot_time_s) -> None:
        self._offset_s = offset_s
        self._boot_time = boot_time

    def now(self) -> float:
        return self._boot_time() + self._offset_s

    def wall(self, at: float) -> datetime:
        return datetime.fromtimestamp(time.time() - (self.now() - at), UTC)


def choose_offset(stored: Offset | None, boot: str, boot_time: float, wall: float, last_at: float) -> Offset:
    """The stored offset within the same boot, else one that starts at wall time but never before `last_at`."""
    if stored is not None and stored.boot_id == boot and boot_time + stored.offset_s >= last_at:
        return stored
    return Offset(boot_id=boot, offset_s=max(wall, last_at) - boot_time)


def open_clock(path: Path, last_at: float) -> tuple[SteadyClock, Offset]:
    """The clock of this state folder. A lost or damaged file costs nothing but the old offset."""
    try:
        stored = unsealed(path.read_bytes(), Offset)
    except (OSError, SealBrokenError):
        stored = None
    offset = choose_offset(stored, boot_id(), boot_time_s(), time.time(), last_at)
    return SteadyClock(offset.offset_s), offset


def rfc3339(moment: datetime) -> str:
    """UTC, milliseconds, ending in Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
