"""What a slot counts: requests by outcome, time taken, versions, classes, the challenger's agreement."""

from array import array
from collections import Counter

from msgspec import Struct, field

from mlops.predictions.records import Value
from utils.metrics_collector import Histogram

KEPT = 2048  # of the newest durations, for percentiles
BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)


class Latency:
    """Percentiles of the newest answers, and a histogram of all."""

    def __init__(self) -> None:
        self._ring = array("d", bytes(8 * KEPT))
        self._count = 0
        self._folded = 0
        self._histogram = Histogram(BOUNDS_S)

    def add(self, seconds: float) -> None:
        if self._count - self._folded == KEPT:
            self.histogram()
        self._ring[self._count % KEPT] = seconds
        self._count += 1

    def percentiles_ms(self) -> dict[str, float]:
        """Of the newest answers; empty before the first."""
        newest = sorted(self._ring[: min(self._count, KEPT)])
        if not newest:
            return {}
        at = {name: min(len(newest) - 1, int(share * len(newest))) for name, share in _SHARES.items()}
        return {name: round(1e3 * newest[place], 3) for name, place in at.items()}

    def histogram(self) -> Histogram:
        """Brought up to date here and when the ring is full: counting each at once costs more than the rest."""
        for number in range(self._folded, self._count):
            self._histogram.observe(self._ring[number % KEPT])
        self._folded = self._count
        return self._histogram


_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}


class ShadowFigures(Struct):
    scored: int = 0
    agreed: int = 0  # with the champion's class; of a regression: within 1 % of its number
    difference: float = 0.0  # summed: of the probabilities, or of the numbers
    dropped: int = 0  # the queue was full
    failed: int = 0
    problem: str = ""


class SlotFigures(Struct):
    """Since this process started."""

    answered: int = 0
    refused: int = 0  # bad input
    too_large: int = 0
    unready: int = 0  # no champion
    failed: int = 0
    problem: str = ""  # of the last that failed
    positive: int = 0
    versions: Counter[int] = field(default_factory=Counter)  # answers of each
    said: Counter[Value] = field(default_factory=Counter)  # answers by class
    labels: int = 0
    labels_refused: int = 0
    swaps: int = 0
    swaps_refused: int = 0
