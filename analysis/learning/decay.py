"""A trend over days that no window sees: whether it is one (Mann and Kendall), and how steep (Theil and Sen).

>>> found = decay([10.0 + n + (n % 3) for n in range(14)], share=0.2)
>>> found is not None and round(found.per_day, 1)
1.0
>>> decay([10.0, 14.0, 10.0, 13.0, 10.0, 14.0, 11.0, 10.0, 13.0], share=0.2)
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median

from msgspec import Struct

FEWEST = 7  # days: a week has weekends in it
KEPT = 28
SURE = 3.3  # standard deviations: one in a thousand


class Decay(Struct, frozen=True, gc=False):
    before: float
    now: float
    per_day: float
    days: int


def decay(daily: Sequence[float], share: float) -> Decay | None:
    """Upwards, by at least this share of the beginning, and no accident."""
    count = len(daily)
    if count < FEWEST:
        return None
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    signs = sum((daily[j] > daily[i]) - (daily[j] < daily[i]) for i, j in pairs)
    spread = sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    per_day = median((daily[j] - daily[i]) / (j - i) for i, j in pairs)
    middle = median(daily)
    before, now = middle - per_day * (count - 1) / 2.0, middle + per_day * (count - 1) / 2.0
    if (signs - 1) / spread < SURE or before <= 0.0 or now - before < share * before:
        return None
    return Decay(before, now, per_day, count)
