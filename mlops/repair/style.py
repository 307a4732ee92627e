"""How a column writes its numbers, so that what is filled in looks like the rest."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_MOST = 0.9  # of the cells decide for the column
_DECIMALS = 200
_EXACT = Context(prec=600)


class Style(Struct, frozen=True):
    """`decimals` is None where cells differ in them; in a column of whole numbers everything stays whole."""

    decimals: int | None
    whole: bool

    @classmethod
    def of(cls, notes: NDArray[np.int64], whole: int, values: int) -> "Style":
        """From how many cells have so many decimals, and how many of the values are whole."""
        usual = int(np.argmax(notes[:_DECIMALS]))
        return cls(usual if notes[usual] >= _MOST * values else None, whole >= _MOST * values)

    def text(self, value: float, *, up: bool | None = None) -> bytes:
        """As the column writes it; `up` rounds up or down, else to the nearest.

        >>> Style(None, True).text(2.5, up=False), Style(1, True).text(29.0), Style(2, False).text(0.125, up=True)
        (b'2', b'29.0', b'0.13')
        """
        if self.whole:
            value = round(value) if up is None else math.ceil(value) if up else math.floor(value)
            return f"{Decimal(value):.{self.decimals or 0}f}".encode()
        if self.decimals is None:
            return repr(value).encode()
        if up is None:
            return f"{value:.{self.decimals}f}".encode()
        step = Decimal(1).scaleb(-self.decimals)
        return f"{Decimal(value).quantize(step, ROUND_CEILING if up else ROUND_FLOOR, _EXACT):f}".encode()
