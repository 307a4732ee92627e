"""Quiet hours: how busy a service is in each hour of the week, and when within a span of time an interruption costs least."""

from collections.abc import Callable, Iterable

from msgspec import Struct

HOURS = 168  # of a week, from Monday 00:00
DAY = 24
LEARN = 0.3  # weight of the newest week
STEP_S = 600.0
NEAR = 0.05  # loads that differ by less than this share of the peak are the same
NIGHT = range(1, 5)  # taken to be quiet where nothing is known yet
BUSY, CALM = 0.6, 0.3  # what is taken for unknown hours, as a share of the peak
UNKNOWN = -1.0


class Profile(Struct, frozen=True, gc=False):
    """Mean load of each hour of the week; UNKNOWN where none was seen."""

    loads: tuple[float, ...] = (UNKNOWN,) * HOURS

    def with_hour(self, hour: int, load: float) -> "Profile":
        """
        >>> once = Profile().with_hour(3, 10.0)
        >>> once.loads[3], round(once.with_hour(3, 20.0).loads[3], 1)
        (10.0, 13.0)
        """
        before = self.loads[hour]
        after = load if before < 0 else before + LEARN * (load - before)
        return Profile((*self.loads[:hour], after, *self.loads[hour + 1 :]))

    def share(self, hour: int) -> float:
        """Of the busiest hour that is known, from 0 to 1: this hour's own, else the mean of this time of other days.

        >>> busy_at_ten = Profile().with_hour(10, 8.0).with_hour(34, 4.0).with_hour(3, 1.0)
        >>> busy_at_ten.share(10), busy_at_ten.share(58), busy_at_ten.share(27), Profile().share(2)
        (1.0, 0.75, 0.125, 0.3)
        """
        peak = max(self.loads)
        if peak <= 0:
            return CALM if hour % DAY in NIGHT else BUSY
        if self.loads[hour] >= 0:
            return self.loads[hour] / peak
        known = [load for load in self.loads[hour % DAY :: DAY] if load >= 0]
        if known:
            return sum(known) / len(known) / peak
        return CALM if hour % DAY in NIGHT else BUSY


def quietest(
    profiles: Iterable[Profile],
    earliest: float,
    latest: float,
    hour_of: Callable[[float], int],
    taken: Iterable[float] = (),
) -> float:
    """When to begin: the calmest moment for all of `profiles`, the latest of those that are as calm.

    Late, since what was foreseen may fade until then. No moment near one of `taken`, where there is another; `earliest`
    where there is no room for choice. `hour_of` gives the hour of the week.
    """
    known = tuple(profiles)
    steps = int(max(latest - earliest, 0.0) // STEP_S)
    moments = [earliest + STEP_S * n for n in range(steps + 1)]
    others = tuple(taken)
    free = [at for at in moments if all(abs(at - other) >= STEP_S for other in others)] or moments
    costs = {at: sum(profile.share(hour_of(at)) for profile in known) for at in free}
    least = min(costs.values())
    return max(at for at, cost in costs.items() if cost <= least + NEAR * max(len(known), 1))
