"""How long to wait before acting, where faults pass by themselves: learnt from how long they took, cut short or not.

A fault that was acted on had not passed until then, and no more is known of it (Kaplan and Meier's estimate). Waiting is
worth what it costs as a rung of the ladder: seconds spent for each fault that passes.

>>> seen = [Passing(4.0, True), Passing(5.0, True), Passing(6.0, True), Passing(30.0, False)]
>>> best = patience(seen, longest_s=30.0)
>>> best.seconds, round(best.share, 2)
(6.6, 0.58)
"""

from collections.abc import Sequence

from msgspec import Struct

from analysis.learning.ladder import Belief

KEPT = 24  # the newest
OLDER = 0.95  # what each newer one leaves of the weight of an older one
ROOM = 1.1  # over the time after which one passed
THIN = 1.0  # faults that did not pass, as if seen: thin evidence makes nobody wait


class Passing(Struct, frozen=True, gc=False):
    """A fault passed by itself after so long, or had not when somebody acted."""

    after_s: float
    passed: bool


class Patience(Struct, frozen=True, gc=False):
    seconds: float  # to wait; 0: there is no use in it
    share: float  # that pass within that time
    spent_s: float  # of waiting, on average
    seen: float  # faults that were watched for so long, as far as they count

    @property
    def seconds_for_success(self) -> float:
        return self.spent_s / self.share if self.share else float("inf")


NONE = Patience(0.0, 0.0, 0.0, 0.0)


def noted(known: Sequence[Passing], one: Passing) -> tuple[Passing, ...]:
    return (*known, one)[-KEPT:]


def patience(known: Sequence[Passing], longest_s: float) -> Patience:
    """The time to wait that spends the fewest seconds for each fault that passes."""
    steps = _steps(known)
    options = [_until(steps, min(after_s * ROOM, longest_s)) for after_s, *_ in steps if after_s <= longest_s]
    return min(options, key=lambda option: option.seconds_for_success, default=NONE)


def as_belief(fix: str, known: Sequence[Passing], best: Patience, longest_s: float) -> Belief:
    """Waiting for so long as a rung among others."""
    if not best.share:
        return Belief(fix, 0.0, 0.0, longest_s, longest_s, sum(OLDER**age for age in range(len(known))))
    spread = (best.share * (1.0 - best.share) / (best.seen + 2.0)) ** 0.5
    passed_s = (best.spent_s - (1.0 - best.share) * best.seconds) / best.share
    return Belief(fix, best.share, spread, passed_s, best.seconds, best.seen, best.seen)


def _steps(known: Sequence[Passing]) -> list[tuple[float, float, float]]:
    """After so long this share has not passed, and how many were watched for it, at each time at which one passed."""
    aged = sorted((one.after_s, not one.passed, OLDER**age) for age, one in enumerate(reversed(known)))
    at_risk = THIN + sum(weight for *_, weight in aged)
    left, steps = 1.0, list[tuple[float, float, float]]()
    for after_s, cut, weight in aged:
        if not cut:
            left *= 1.0 - weight / at_risk
            steps.append((after_s, left, at_risk - THIN))
        at_risk -= weight
    return steps


def _until(steps: Sequence[tuple[float, float, float]], wait_s: float) -> Patience:
    """The area under the curve is the time that is spent."""
    spent_s, before_s, left, seen = 0.0, 0.0, 1.0, 0.0
    for after_s, remaining, watched in steps:
        if after_s > wait_s:
            break
        spent_s += left * (after_s - before_s)
        before_s, left, seen = after_s, remaining, watched
    return Patience(round(wait_s, 3), 1.0 - left, spent_s + left * (wait_s - before_s), seen)
