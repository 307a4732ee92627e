"""What is normal by hour of the week: three quantiles that follow their series, in arrays of bounded size.

Each value moves a quantile by one bounded step, up or down as often as the quantile asks for: a spike moves it no further
than any other value, and what lasts becomes normal.

>>> week = Week()
>>> for n in range(300): week.learn(hour=9, value=1.0 + (n % 10) / 10)
>>> low, expected, high = week.norm(9)
>>> 0.9 < low < expected < high < 2.1
True
"""

from array import array
from collections.abc import Iterable
from zlib import crc32

import msgspec
from msgspec import Struct

HOURS = 168
SHARES = (0.1, 0.5, 0.9)
STEPS = (2.2, 1.0, 2.2)  # the density is lower in the tails
SLOWEST = 0.02  # step for each value, once many were seen
YOUNG = 5  # values
OWN_HOUR = 90.0  # values in an hour of the week before it speaks for itself: more than one week has
SAME_HOUR = 150.0  # in that hour of all days together: three days
FLOOR = 0.02  # of the value: the least spread
_WIDTH = 4  # low, middle, high, count


class Week:
    """2.7 kB."""

    __slots__ = ("cells",)

    def __init__(self, cells: "array[float] | None" = None) -> None:
        self.cells = cells or array("f", bytes(4 * _WIDTH * HOURS))

    def learn(self, hour: int, value: float) -> None:
        start = _WIDTH * (hour % HOURS)
        low, middle, high, count = self.cells[start : start + _WIDTH]
        if count < YOUNG:
            first = count == 0
            low, high = (value, value) if first else (min(low, value), max(high, value))
            middle += (value - middle) / (count + 1.0)
        else:
            low, middle, high = stepped((low, middle, high), count, value)
        self.cells[start : start + _WIDTH] = array("f", (low, middle, high, min(count + 1.0, 1e6)))

    def norm(self, hour: int) -> tuple[float, float, float] | None:
        """None while too little was seen at this hour of the week and at this hour of all days."""
        own = self._cell(hour)
        if own[3] >= OWN_HOUR:
            return own[:3]
        same = [self._cell(hour % 24 + 24 * day) for day in range(7)]
        seen = sum(cell[3] for cell in same)
        if seen < SAME_HOUR:
            return None
        low, middle, high = (sum(cell[n] * cell[3] for cell in same) / seen for n in range(3))
        return low, middle, high

    def _cell(self, hour: int) -> tuple[float, float, float, float]:
        low, middle, high, count = self.cells[_WIDTH * (hour % HOURS) : _WIDTH * (hour % HOURS) + _WIDTH]
        return low, middle, high, count


def stepped(known: tuple[float, float, float], count: float, value: float) -> tuple[float, float, float]:
    """Three quantiles after one more value."""
    spread = max(known[2] - known[0], FLOOR * abs(known[1]), 1e-9)
    step = spread * max(1.0 / (count + 1.0), SLOWEST)
    low, middle, high = (
        at + step * pace * (share - (value < at))
        for at, share, pace in zip(known, SHARES, STEPS, strict=True)
    )
    return min(low, middle), middle, max(high, middle)


class _Saved(Struct):
    series: dict[str, bytes]


def packed(weeks: Iterable[tuple[str, Week]]) -> bytes:
    """A checksum, then the arrays."""
    data = msgspec.msgpack.encode(_Saved({name: week.cells.tobytes() for name, week in weeks}))
    return crc32(data).to_bytes(4, "big") + data


def unpacked(data: bytes) -> dict[str, Week]:
    """ValueError where it is damaged: it is a cache, and learnt anew.

    >>> week = Week(); week.learn(3, 7.0)
    >>> unpacked(packed([("shop/cpu", week)]))["shop/cpu"].cells == week.cells
    True
    """
    if crc32(data[4:]).to_bytes(4, "big") != data[:4]:
        raise ValueError("its checksum is wrong")
    try:
        saved = msgspec.msgpack.decode(data[4:], type=_Saved)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    size = 4 * _WIDTH * HOURS
    return {name: Week(array("f", cells)) for name, cells in saved.series.items() if len(cells) == size}
