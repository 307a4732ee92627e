"""What a line of the prediction log and of the label log holds, and the ids that join them."""

import calendar
import os
import re
import time
from datetime import UTC, datetime
from itertools import count
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Value = bool | int | float | str | None  # of a feature or a label: a number, a category, nothing
ID_FORM = r"^pred_[0-9]{8}T[0-9]{9}Z_[0-9a-f]{8,32}$"
_ID = re.compile(r"pred_([0-9]{8}T[0-9]{6})([0-9]{3})Z_[0-9a-f]{8,32}")


class Shadow(Struct, frozen=True):
    """What the challenger said of the same row."""

    model_version: int
    prediction: Value
    probability: float | None = None


class Prediction(Struct, frozen=True, kw_only=True):
    """One answer as it was given."""

    prediction_id: str
    timestamp: str  # RFC 3339, UTC, ending in Z
    model: str
    model_version: int
    features: dict[str, Value]  # the declared ones only
    prediction: Value
    probability: float | None = None  # of the positive class; none in a regression
    shadow: Shadow | UnsetType = UNSET


class Line(Struct):
    """What readers take a line for: a whole prediction, or a challenger's word alone, which has no features."""

    prediction_id: str
    timestamp: Annotated[datetime, Meta(tz=True)] | None = None
    model_version: int = 0
    features: dict[str, Value] | None = None
    prediction: Value = None
    probability: float | None = None
    shadow: Shadow | None = None


class Shadowed(Struct, frozen=True):
    """A challenger's word that came after the line of the prediction was written."""

    prediction_id: str
    shadow: Shadow


class Label(Struct, frozen=True):
    """The truth about one prediction, as it was told at that time."""

    prediction_id: str
    label: Value
    timestamp: str


def rfc3339(at: float) -> str:
    """A Unix time as people and logs read it.

    >>> rfc3339(1_795_211_133.5)
    '2026-11-20T21:45:33.500Z'
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix(timestamp: str) -> float:
    """The Unix time of an RFC 3339 text; ValueError where it is none."""
    parsed = datetime.fromisoformat(timestamp)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def day_of(timestamp: str) -> str:
    """The UTC day whose file a line belongs to."""
    return timestamp[:10] if timestamp.endswith("Z") else rfc3339(unix(timestamp))[:10]


def time_of_id(prediction_id: str) -> float | None:
    """When the prediction of that id was made; None for an id that is not ours.

    >>> time_of_id("pred_20261120T222533500Z_00c0ffee000001")
    1795213533.5
    """
    match = _ID.fullmatch(prediction_id)
    if match is None:
        return None
    try:
        seconds = calendar.timegm(time.strptime(match[1], "%Y%m%dT%H%M%S"))
    except ValueError:
        return None
    return seconds + int(match[2]) / 1000


class Stamps:
    """Makes ids that are unique across processes and starts, with their timestamp, at little cost."""

    def __init__(self, salt: str | None = None) -> None:
        self._salt = os.urandom(5).hex() if salt is None else salt
        self._numbers = count(1)
        self._second = -1
        self._parts = ("", "")

    def next(self, at: float) -> tuple[str, str]:
        """(prediction_id, timestamp) of a prediction made at that Unix time."""
        second, ms = divmod(int(at * 1000), 1000)
        if second != self._second:
            moment = time.gmtime(second)
            self._parts = time.strftime("%Y%m%dT%H%M%S", moment), time.strftime("%Y-%m-%dT%H:%M:%S", moment)
            self._second = second
        compact, readable = self._parts
        number = next(self._numbers)
        return f"pred_{compact}{ms:03d}Z_{self._salt}{number:06x}", f"{readable}.{ms:03d}Z"
