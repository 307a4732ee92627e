"""How often to probe: less often while all is well, and again at once after the first bad sign, at equal detection time.

Two failed probes in a row mean unhealthy. At a fixed rate the second one comes a whole interval after the first; where it
comes soon, the first may come later, and neither the mean nor the longest time to detect a trouble grows.

>>> round(stretch(interval_s=60.0, timeout_s=5.0, at_most=1.75), 2), round(stretch(1.0, 0.5, at_most=1.75), 2)
(1.75, 1.38)
>>> round(mean_detection_s([60.0] * 9, 60.0, 5.0), 1), round(mean_detection_s([105.0] * 9, confirm_s(60.0, 5.0), 5.0), 1)
(95.0, 62.6)
"""

from collections.abc import Sequence

SHORTEST_S = 0.5  # two looks at one blip are no trend
LONGEST_S = 5.0
SHARE = (
    0.25  # of the interval: what is over by then would not have been seen by two probes at that rate either
)
TICK_S = 0.125  # until a look that is due begins, on average
ROUNDS = 0.05  # a gap longer by less is none


def confirm_s(interval_s: float, timeout_s: float) -> float:
    """From the beginning of a failed look to that of the next one; the first has to end before that."""
    return max(timeout_s, min(interval_s, max(SHORTEST_S, min(LONGEST_S, SHARE * interval_s)))) + TICK_S


def stretch(interval_s: float, timeout_s: float, at_most: float) -> float:
    """By how much the interval may be longer: at one, the second look at a trouble came a whole interval later."""
    return max(1.0, min(at_most, 2.0 - confirm_s(interval_s, timeout_s) / interval_s))


def mean_detection_s(gaps_s: Sequence[float], second_s: float, timeout_s: float) -> float:
    """From the beginning of a trouble to its second failed look, where looks came with these gaps."""
    total_s = sum(gaps_s)
    if not total_s:
        return 0.0
    until_first_s = sum(gap * gap for gap in gaps_s) / (2.0 * total_s)
    return until_first_s + second_s + timeout_s


def longest_detection_s(gaps_s: Sequence[float], second_s: float, timeout_s: float) -> float:
    return max(gaps_s, default=0.0) + second_s + timeout_s
