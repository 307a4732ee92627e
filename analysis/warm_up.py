"""What is usual while a service boots, learnt from its boots that came to a good end, and when errors are too many.

A closed port says that a service boots, and so does an answer that means "not yet". An error says that it works already, and
fails: where a release has yet to prove itself, that is news long before the time for booting is over.
"""

from collections.abc import Sequence

from msgspec import Struct

NOT_YET = frozenset({425, 429, 502, 503, 504})  # HTTP: come back later, or whom I need is not ready
LEAST_ERRORS_S = 3.0  # the first requests to a good release may well fail
ROOM = 2.0  # how many times as long as ever before it may answer without being well
BOOTS_KEPT = 8


class Boot(Struct, frozen=True, gc=False):
    """A boot that came to a good end: how long it took, and how long before that end it began to answer otherwise."""

    took_s: float
    answered_s: float = 0.0


class Tolerance(Struct, frozen=True, gc=False):
    """A boot is tolerated for `boot_s`, answers that are not good for `answers_s`, errors in a row for `errors_s`."""

    boot_s: float
    answers_s: float
    errors_s: float = LEAST_ERRORS_S


def says_no(status: int | None) -> bool:
    """
    >>> [says_no(status) for status in (None, 404, 500, 503)]
    [False, True, True, False]
    """
    return status is not None and status >= 400 and status not in NOT_YET


def tolerance(boots: Sequence[Boot]) -> Tolerance | None:
    """None where no good boot was seen: then nobody knows how this service warms up.

    >>> tolerance([Boot(1.0), Boot(2.5, answered_s=2.0)])
    Tolerance(boot_s=2.5, answers_s=4.0, errors_s=3.0)
    """
    if not boots:
        return None
    return Tolerance(max(boot.took_s for boot in boots), ROOM * max(boot.answered_s for boot in boots))
