"""Tells missing cells, and counts how often each text stands in a column, by array operations."""

import numpy as np
from numpy.typing import NDArray

from mlops.repair.numerals import Words, tail
from mlops.repair.tokens import Ints
from mlops.tables import cells

MOST = 1000  # different texts that are counted; a column with more is one of free text
ABSENT, UNCOUNTED = 0, 0xFFFF
_LOWER = np.uint64(0x2020202020202020)
_LONGEST = 64
_SPACE = 32
_TOKENS = [
    (len(token), np.uint64(int.from_bytes(token.encode().rjust(8, b"\0"), "little")) | _LOWER)
    for token in sorted(cells.MISSING)
    if token
]
_SPACES = np.isin(np.arange(256), list(b" \t"))
_BEGINS = _SPACES | np.isin(
    np.arange(256), [ord(case) for t in cells.MISSING for x in t[:1] for case in x + x.upper()]
)


def missing(padded: bytes, last: Words, starts: Ints, ends: Ints) -> NDArray[np.bool_]:
    """Which cells say that there is no value. The tokens stand in mlops.tables.cells; `last`: the bytes before `ends`."""
    data = np.frombuffer(padded, np.uint8)
    found: NDArray[np.bool_] = starts == ends
    some = np.flatnonzero(_BEGINS[data[starts]] & ~found)
    if not len(some):
        return found
    lengths = ends[some] - starts[some]
    low, hit = tail(last[some], lengths) | _LOWER, np.zeros(len(some), np.bool_)
    for length, word in _TOKENS:
        hit |= (lengths == length) & (low == word)
    spaced = _SPACES[data[starts[some]]] | (data[ends[some] - 1] == _SPACE)
    for k in np.flatnonzero(spaced).tolist():
        hit[k] = cells.is_missing(padded[starts[some[k]] : ends[some[k]]].decode("latin-1"))
    found[some] = hit
    return found


class Terms:
    """The different texts of one column, numbered from 1 in the order in which they were first seen."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.free = False
        self._known = np.empty(0, np.uint64)  # sorted
        self._codes = np.empty(0, np.uint16)
        self._slots = np.zeros(1 << 12, np.int64)  # where among the known a key most likely stands
        self._by_text: dict[bytes, int] = {}

    def codes(
        self, padded: bytes, view: Words, last: Words, starts: Ints, ends: Ints, absent: NDArray[np.bool_]
    ) -> NDArray[np.uint16]:
        """ABSENT, the number of each cell's text, or UNCOUNTED once there are too many different ones."""
        found = np.full(len(starts), UNCOUNTED, np.uint16)
        if not self.free:
            keys = _keys(view, last, starts, ends)
            places = self._places(keys)
            new = np.flatnonzero((places < 0) & ~absent)
            if len(new):
                self._learn(padded, keys[new], starts[new], ends[new])
                places = self._places(keys)
            if not self.free:
                found = np.where(
                    places >= 0, self._codes[places] if len(self._codes) else 0, UNCOUNTED
                ).astype(np.uint16)
        found[absent] = ABSENT
        return found

    def _places(self, keys: Words) -> Ints:
        if not len(self._known):
            return np.full(len(keys), -1, np.int64)
        places = self._slots.take((keys * _MIX >> _SLOT).view(np.int64))
        rest = np.flatnonzero(self._known.take(places) != keys)
        sought = keys[rest]
        found = np.minimum(np.searchsorted(self._known, sought), len(self._known) - 1)
        places[rest] = np.where(self._known[found] == sought, found, -1)
        return places

    def _learn(self, padded: bytes, keys: Words, starts: Ints, ends: Ints) -> None:
        fresh, first = np.unique(keys, return_index=True)
        if len(self.texts) + len(fresh) > MOST or int((ends - starts)[first].max()) > _LONGEST:
            self.free = True
            self.texts.clear()
            return
        codes = []
        for k in first.tolist():
            text = padded[starts[k] : ends[k]]
            if text not in self._by_text:
                self.texts.append(text)
                self._by_text[text] = len(self.texts)
            codes.append(self._by_text[text])
        known = np.concatenate([self._known, fresh])
        order = np.argsort(known)
        self._known = known[order]
        self._codes = np.concatenate([self._codes, np.array(codes, np.uint16)])[order]
        self._slots[(self._known * _MIX >> _SLOT).view(np.int64)] = np.arange(len(known))


def _keys(view: Words, last: Words, starts: Ints, ends: Ints) -> Words:
    """A number for each text: the text itself up to eight bytes, a hash of it where it is longer."""
    lengths = ends - starts
    keys = tail(last, lengths)
    longest = min(int(lengths.max(initial=0)), _LONGEST)
    for done in range(8, longest, 8):
        long = np.flatnonzero(lengths > done)
        rest = lengths[long] - done
        keys[long] = (keys[long] ^ (keys[long] >> _SHIFT)) * _MIX + tail(view[ends[long] - done - 8], rest)
    return keys ^ (lengths.astype(np.uint64) * _MIX)


_MIX, _SHIFT, _SLOT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29), np.uint64(52)
