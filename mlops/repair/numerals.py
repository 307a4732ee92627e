"""Reads cells as numbers: plain decimals eight digits at a time in arrays, everything else one by one.

A decimal of up to 15 digits is a whole number divided by a power of ten, both exact in a double: the quotient is then
rounded once, as float() does it. What is longer, has an exponent, a sign and more than 8 digits, or spaces goes to float().
"""

import math
import re

import numpy as np
from numpy.typing import NDArray

from mlops.repair.tokens import Ints
from mlops.tables import cells

Words = NDArray[np.uint64]
# What stands in place of the number of decimals: of a cell with an exponent; of one that is no plain number.
EXPONENT, MISSING, UNREADABLE, OTHER_WAY, AMBIGUOUS = 255, 254, 253, 252, 251
_U = np.uint64
_KEPT = np.array([0, *((0xFFFFFFFFFFFFFFFF << (64 - 8 * n)) & 0xFFFFFFFFFFFFFFFF for n in range(1, 9))], _U)
_ZEROS, _POINTS = _U(0x3030303030303030), _U(0x2E2E2E2E2E2E2E2E)
_ONES, _HIGHS = _U(0x0101010101010101), _U(0x8080808080808080)
_SIXES, _NIBBLES = _U(0x0606060606060606), _U(0xF0F0F0F0F0F0F0F0)
_POWERS = 10.0 ** np.arange(23)
_MINUS, _POINT = 45, 46
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_CURRENCY = re.compile(r"([+-]?)[$£]\s?(?=[\d.])")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_SHARE = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s?%", re.ASCII)


def words(padded: bytes) -> Words:
    """The eight bytes from every offset on, as numbers; a view, nothing is copied."""
    return np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))


def tail(view: Words, ends: Ints, lengths: Ints) -> Words:
    """The last eight bytes of each cell; what stands before a shorter cell is zero."""
    found: Words = view[ends - 8] & _KEPT[np.minimum(lengths, 8)]
    return found


def read(
    padded: bytes, view: Words, starts: Ints, ends: Ints, missing: NDArray[np.bool_], comma: str
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The value (NaN: none) and the number of decimals of each cell, or what it is instead of a plain number."""
    data = np.frombuffer(padded, np.uint8)
    negative = (data[starts] == _MINUS) & (ends > starts)
    first = starts + negative
    lengths = ends - first
    points = _point(tail(view, ends, lengths), lengths)
    split = np.where(points >= 0, ends - 8 + points, ends)  # where the whole part ends
    decimals = np.where(points >= 0, ends - split - 1, 0)
    digits = split - first
    whole, good = _digits(tail(view, split, digits), digits)
    part, good_part = _digits(tail(view, ends, decimals), decimals)
    good &= good_part & (digits >= 1) & ((points < 0) | (decimals >= 1)) & (digits <= 8)
    good &= digits + decimals <= 15
    scale = _POWERS[decimals]
    values = (whole.astype(np.float64) * scale + part) / scale
    values = np.where(negative, -values, values)
    shown = decimals.astype(np.uint8)
    values[~good] = np.nan
    shown[missing] = MISSING
    rest = np.flatnonzero(~good & ~missing)
    found = [
        _exact(padded[a:b], comma) for a, b in zip(starts[rest].tolist(), ends[rest].tolist(), strict=True)
    ]
    values[rest] = [value for value, _ in found]
    shown[rest] = [decimals for _, decimals in found]
    return values, shown


def _point(word: Words, lengths: Ints) -> Ints:
    """Which of the last eight bytes is the first point; -1 where none is."""
    differs = word ^ _POINTS
    found = (differs - _ONES) & ~differs & _HIGHS
    lowest = found & (~found + _U(1))
    place = (lowest.astype(np.float64).view(np.int64) >> 52) - 1023 >> 3  # the exponent says which bit it is
    return np.where((found != 0) & (lengths > 0), place, -1)


def _digits(word: Words, count: Ints) -> tuple[Words, NDArray[np.bool_]]:
    """Up to eight digits at the end of a word as a whole number, and whether they all are digits."""
    word = word | (_ZEROS & ~_KEPT[np.clip(count, 0, 8)])
    good = ((word & _NIBBLES) == _ZEROS) & (((word + _SIXES) & _NIBBLES) == _ZEROS)
    low = (word & _U(0x0F0F0F0F0F0F0F0F)) * _U(2561) >> _U(8)
    pairs = (low & _U(0x00FF00FF00FF00FF)) * _U(6553601) >> _U(16)
    return (pairs & _U(0x0000FFFF0000FFFF)) * _U(42949672960001) >> _U(32), good


def _exact(cell: bytes, comma: str) -> tuple[float, int]:
    text = cell.decode("latin-1").strip(" \t")
    value = cells.number(text)
    if value is None:
        try:
            value = other_way(text, comma)
        except ValueError:
            return math.nan, AMBIGUOUS
        return (math.nan, UNREADABLE) if value is None else (value, OTHER_WAY)
    if not math.isfinite(value):
        return math.nan, UNREADABLE
    whole, _, part = text.partition(".")
    return value, min(len(part), 200) if (whole + part).lstrip("+-").isdigit() else EXPONENT


def other_way(text: str, delimiter: str) -> float | None:
    """The number that a cell says in another way, where there is only one way to read it; ValueError: there are two.

    >>> other_way("$5", ","), other_way("1,234", ","), other_way("twelve", ",")
    (5.0, 1234.0, None)
    >>> other_way("5 %", ",")
    Traceback (most recent call last):
    ValueError: 5 % can be read in two ways
    """
    stripped = text.strip()
    plain = _CURRENCY.sub(r"\1", stripped, count=1)
    if _THOUSANDS.fullmatch(plain) and delimiter == ",":
        return cells.number(plain.replace(",", ""))
    if _DECIMAL_COMMA.fullmatch(plain) or _THOUSANDS.fullmatch(plain) or _SHARE.fullmatch(stripped):
        raise ValueError(f"{stripped} can be read in two ways")
    return cells.number(plain) if plain != stripped else None
