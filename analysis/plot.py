"""A line chart as PNG, without a library: one curve, its scale, and marks where something happened.

>>> png = plot([0.0, 1.0, 2.0], [1.0, 5.0, 2.0], [Mark(1.0, "bad")], zero_at=1.0)
>>> png[:8], int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
(b'\\x89PNG\\r\\n\\x1a\\n', 640, 240)
"""

import zlib
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from struct import pack
from typing import Literal

from msgspec import Struct

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 70, 12, 12, 24
_PALETTE = bytes(
    (255, 255, 255, 30, 80, 160, 150, 150, 150, 60, 60, 60, 200, 40, 40, 230, 140, 20, 40, 150, 60)
)
_CURVE, _FRAME, _INK = 1, 2, 3
_COLOURS = {"bad": 4, "act": 5, "good": 6}
_GLYPHS = {  # rows of three points, from the top
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71222",
    "8": "75757", "9": "75717", "-": "00700", "+": "02720", ".": "00002", "e": "07747", " ": "00000",
}  # fmt: skip
_SCALE = 2


class Mark(Struct, frozen=True):
    at: float
    kind: Literal["bad", "act", "good"]


class _Canvas:
    """One byte for each point: its place in the palette."""

    def __init__(self) -> None:
        self.rows = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def dot(self, x: int, y: int, colour: int) -> None:
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            self.rows[y][x] = colour

    def line(self, x0: int, y0: int, x1: int, y1: int, colour: int, thick: int = 1) -> None:
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            x, y = x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps
            for more in range(thick):
                self.dot(x, y + more, colour)

    def text(self, x: int, y: int, text: str) -> None:
        for character in text:
            for row, bits in enumerate(_GLYPHS.get(character, _GLYPHS[" "])):
                for column in range(3):
                    if int(bits) & (4 >> column):
                        self._block(x + column * _SCALE, y + row * _SCALE)
            x += 4 * _SCALE

    def _block(self, x: int, y: int) -> None:
        for more in range(_SCALE * _SCALE):
            self.dot(x + more % _SCALE, y + more // _SCALE, _INK)

    def png(self) -> bytes:
        head = pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
        body = zlib.compress(b"".join(b"\0" + row for row in self.rows), 6)
        chunks = ((b"IHDR", head), (b"PLTE", _PALETTE), (b"IDAT", body), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def plot(at: Sequence[float], values: Sequence[float], marks: Sequence[Mark], zero_at: float) -> bytes:
    """Seconds from `zero_at` on the x axis; at least two points, `at` rises."""
    since, until = at[0], max(at[-1], at[0] + 1.0)
    low, high = _range(values)
    canvas = _Canvas()

    def x(moment: float) -> int:
        return LEFT + round((moment - since) / (until - since) * (WIDTH - LEFT - RIGHT))

    def y(value: float) -> int:
        return HEIGHT - BOTTOM - round((value - low) / (high - low) * (HEIGHT - TOP - BOTTOM))

    for level in (low, high):
        canvas.line(LEFT, y(level), WIDTH - RIGHT, y(level), _FRAME)
        canvas.text(4, y(level) - 5, f"{level:.4g}")
    for moment in (since, until):
        label = f"{moment - zero_at:+.0f}"
        canvas.text(min(x(moment), WIDTH - RIGHT - 8 * len(label)), HEIGHT - BOTTOM + 8, label)
    for mark in marks:
        if since <= mark.at <= until:
            canvas.line(x(mark.at), TOP, x(mark.at), HEIGHT - BOTTOM, _COLOURS[mark.kind])
    points = [(x(moment), y(value)) for moment, value in zip(at, values, strict=True)]
    for (x0, y0), (x1, y1) in pairwise(points):
        canvas.line(x0, y0, x1, y1, _CURVE, thick=2)
    return canvas.png()


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From 0 where that is near, and never empty.

    >>> _range([1.0, 5.0]), _range([100.0, 101.0]), _range([7.0, 7.0])
    ((0.0, 5.0), (100.0, 101.0), (0.0, 7.0))
    """
    low, high = min(values), max(values)
    low = 0.0 if 0.0 <= low < high / 2 or low == high >= 0.0 else low
    return (low, high) if high > low else (low, low + 1.0)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def strangeness(at: Sequence[float], values: Sequence[float], opened_at: float) -> float:
    """How far the last minute before `opened_at` and what followed is from what was usual before, in its spreads.

    A spread is never less than 2 % of the level, so that a flat metric is not strange for a trifle.

    >>> usual = [float(n) for n in range(0, 600, 10)]
    >>> strangeness([*usual, 600.0, 610.0], [10.0] * len(usual) + [10.0, 30.0], 600.0) > 50
    True
    >>> strangeness(usual, [10.0] * len(usual), 600.0)
    0.0
    """
    before = [value for moment, value in zip(at, values, strict=True) if moment < opened_at - 60.0]
    since = [value for moment, value in zip(at, values, strict=True) if moment >= opened_at - 60.0]
    if len(before) < 5 or not since:
        return 0.0
    mean = sum(before) / len(before)
    spread = sqrt(sum((value - mean) ** 2 for value in before) / len(before))
    furthest = max(abs(value - mean) for value in since)
    return furthest / max(spread, 0.02 * abs(mean), 1e-9)
