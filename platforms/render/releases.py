"""Which release to go back to: the last one that stood for a while and that nobody has turned away from."""

from collections.abc import Sequence
from itertools import pairwise

from platforms.render.shapes import Deploy, unix

PROVED_S = 600.0
_RELEASED = ("live", "deactivated")


def good_before(deploys: Sequence[Deploy], proved_s: float = PROVED_S) -> Deploy | None:
    """`deploys` are the newest first, the live one among them. None: there is nothing to go back to."""
    released = [each for each in deploys if each.status in _RELEASED]
    if not released:
        return None
    live = released[0]
    left = {older.release for newer, older in pairwise(released) if newer.trigger == "rollback"}
    stood = [
        (older, unix(newer.finished_at) - unix(older.finished_at)) for newer, older in pairwise(released)
    ]
    others = [(deploy, span_s) for deploy, span_s in stood if deploy.release not in left | {live.release}]
    proved = next((deploy for deploy, span_s in others if span_s >= proved_s), None)
    return proved or next((deploy for deploy, _ in others), None)
