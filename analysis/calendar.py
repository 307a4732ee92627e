"""Windows of the calendar: whether a moment lies in one, in its own time zone, past midnight and over a change of clocks."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from config.model import Maintenance

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def window_at(windows: Iterable[Maintenance], unix: float) -> Maintenance | None:
    """The window that `unix` (seconds since 1970) lies in; its start belongs to it, its end does not.

    >>> night = Maintenance(start="22:00", end="04:00", days=("sat",))
    >>> saturday = 1_767_394_800.0 + 86400  # 2026-01-03, 23:00 UTC
    >>> [window_at([night], saturday + hours * 3600) is night for hours in (-2, 0, 4, 5, 24)]
    [False, True, True, False, False]
    """
    return next((window for window in windows if _holds(window, unix)), None)


def _holds(window: Maintenance, unix: float) -> bool:
    now = datetime.fromtimestamp(unix, UTC).astimezone(_zone(window.timezone))
    return any(_began(window, now, now.date() - timedelta(days=ago)) for ago in (0, 1))


def _began(window: Maintenance, now: datetime, day: date) -> bool:
    """Whether the window that begins on `day` holds `now`, both compared as moments and not as clock faces."""
    if _DAYS[day.weekday()] not in window.days:
        return False
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    last = day if end > start else day + timedelta(days=1)
    zone = now.tzinfo
    opens = datetime.combine(day, start, zone).astimezone(UTC)
    closes = datetime.combine(last, end, zone).astimezone(UTC)
    return opens <= now.astimezone(UTC) < closes


def hour_of_week(unix: float, timezone: str) -> int:
    """0 is Monday 00:00 to 01:00.

    >>> hour_of_week(1_767_571_200.0, "UTC"), hour_of_week(1_767_571_200.0, "America/New_York")  # a Monday, 00:00 UTC
    (0, 163)
    """
    now = datetime.fromtimestamp(unix, UTC).astimezone(_zone(timezone))
    return now.weekday() * 24 + now.hour


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
