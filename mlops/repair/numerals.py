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
_MINUS = 45
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_CURRENCY = re.compile(r"([+-]?)[$£]\s?(?=[\d.])")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_SHARE = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s?%", re.ASCII)


def words(padded: bytes) -> Words:
    """The eight bytes from every offset on, as numbers; a view, nothing is copied."""
    return np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))


def tail(word: Words, lengths: Ints) -> Words:
    """Of the eight bytes before each cell's end those that belong to it; what stands before a shorter cell is zero."""
    found: Words = word & _KEPT.take(lengths, mode="clip")
    return found


def read(
    padded: bytes, view: Words, last: Words, starts: Ints, ends: Ints, missing: NDArray[np.bool_], comma: str
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The value (NaN: none) and the number of decimals of each cell, or what it is instead of a plain number.

    `last` holds the eight bytes before each cell's end.
    """
    negative = (np.frombuffer(padded, np.uint8)[starts] == _MINUS) & (ends > starts)
    lengths = ends - starts - negative
    values, decimals, good = _short(last, lengths)
    long = np.flatnonzero(lengths > 8)
    if len(long):
        values[long], decimals[long], good[long] = _long(view, last[long], ends[long], lengths[long])
    if negative.any():
        np.negative(values, out=values, where=negative)
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


def _short(last: Words, lengths: Ints) -> tuple[NDArray[np.float64], Ints, NDArray[np.bool_]]:
    """Values and decimals of cells of up to eight characters, and which of them are plain numbers."""
    word = tail(last, lengths)
    points = _point(word)
    if points is None:
        whole, good = _digits(word, lengths)
        return whole.astype(np.float64), np.zeros(len(lengths), np.int64), good & (lengths >= 1)
    behind = 7 - points  # characters behind the point; 8 where there is none
    kept = _KEPT.take(behind)
    decimals = behind & 7
    count = lengths - (points >= 0)
    whole, good = _digits((word & kept) | ((word << _U(8)) & ~kept), count)  # without the point
    good &= (behind > 0) & (count > decimals)
    return whole / _POWERS.take(decimals), decimals, good


def _long(
    view: Words, last: Words, ends: Ints, lengths: Ints
) -> tuple[NDArray[np.float64], Ints, NDArray[np.bool_]]:
    """The same of longer cells: up to eight digits, a point, and up to seven more."""
    points = _point(last)
    points = np.full(len(ends), -1) if points is None else points
    decimals = np.where(points >= 0, 7 - points, 0)
    split = np.where(points >= 0, ends - 1 - decimals, ends)  # where the whole part ends
    digits = lengths - (ends - split)
    whole, good = _digits(tail(view[split - 8], digits), digits)
    part, good_part = _digits(tail(last, decimals), decimals)
    good &= good_part & (digits >= 1) & ((points < 0) | (decimals >= 1)) & (digits <= 8)
    good &= digits + decimals <= 15
    scale = _POWERS.take(decimals)
    return (whole.astype(np.float64) * scale + part) / scale, decimals, good


def _point(word: Words) -> Ints | None:
    """Which of the eight bytes is the first point; -1 where none is, None where no word has one."""
    differs = word ^ _POINTS
    found = (differs - _ONES) & ~differs & _HIGHS
    if not found.any():
        return None
    lowest = found & (~found + _U(1))
    place = (lowest.astype(np.float64).view(np.int64) >> 52) - 1023 >> 3  # the exponent says which bit it is
    return np.where(found != 0, place, -1)


def _digits(word: Words, count: Ints) -> tuple[Words, NDArray[np.bool_]]:
    """Up to eight digits at the end of a word as a whole number, and whether they all are digits."""
    word = word | (_ZEROS & ~_KEPT.take(count, mode="clip"))
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
