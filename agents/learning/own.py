"""How long we ourselves and our fixes take, as three quantiles that follow what is seen."""

from collections.abc import MutableMapping

from msgspec import Struct

from analysis.learning.norms import YOUNG, stepped

DETECT, DECIDE = "detect", "decide"  # from the first bad sign to the incident, from that to permission


class Usual(Struct, frozen=True, gc=False):
    low: float
    middle: float
    high: float
    seen: float = 1.0

    def after(self, value: float) -> "Usual":
        """
        >>> Usual(2.0, 2.0, 2.0).after(4.0)
        Usual(low=2.0, middle=3.0, high=4.0, seen=2.0)
        """
        if self.seen < YOUNG:
            middle = self.middle + (value - self.middle) / (self.seen + 1.0)
            return Usual(min(self.low, value), middle, max(self.high, value), self.seen + 1.0)
        low, middle, high = stepped((self.low, self.middle, self.high), self.seen, value)
        return Usual(low, middle, high, self.seen + 1.0)


def note(table: MutableMapping[str, Usual], key: str, seconds: float) -> None:
    known = table.get(key)
    table[key] = known.after(seconds) if known else Usual(seconds, seconds, seconds)
