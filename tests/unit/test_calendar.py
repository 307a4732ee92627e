"""Windows of the calendar, against a plain minute-by-minute model, over midnight and changes of clocks."""

from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from zoneinfo import ZoneInfo

import pytest

from analysis.calendar import window_at
from config.model import Maintenance

BERLIN = "Europe/Berlin"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EDGES = (0, 1, 719, 1438, 1439)  # minutes of a day


def unix(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_in_utc_a_window_holds_the_minutes_that_a_clock_shows() -> None:
    random = Random(1)
    drawn = [(random.randrange(1440), random.randrange(1440)) for _ in range(75)]
    for start, end in [*product(EDGES, EDGES), *drawn]:
        days = set(random.sample(DAYS, random.randint(1, 7)))
        at_edges = [
            day * 1440 + minute + by for day in range(3) for minute in (start, end) for by in (-1, 0, 1)
        ]
        for n in (*at_edges, random.randint(0, 14 * 1440)):
            holds_what_a_clock_shows(
                f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}", days, n
            )


def holds_what_a_clock_shows(start: str, end: str, days: set[str], n: int) -> None:
    window = Maintenance(start=start, end=end, days=tuple(days))  # type: ignore[arg-type]  # drawn from the days
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=n)
    shown = now.strftime("%H:%M")
    today, yesterday = DAYS[now.weekday()], DAYS[now.weekday() - 1]
    if end > start:
        inside = today in days and start <= shown < end
    else:
        inside = (today in days and shown >= start) or (yesterday in days and shown < end)
    assert (window_at([window], now.timestamp()) is window) is inside, (start, end, days, now)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-07-04T23:59", True),
        ("2026-07-05T03:59", True),
        ("2026-07-05T04:00", False),
        ("2026-07-05T23:00", False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_on_which_it_begins(moment: str, inside: bool) -> None:
    night = Maintenance(start="22:00", end="04:00", days=("sat",), timezone=BERLIN)
    assert (window_at([night], unix(moment, BERLIN)) is not None) is inside


def test_when_clocks_go_forward_the_window_ends_when_its_clock_says_so() -> None:
    night = Maintenance(start="01:00", end="04:00", timezone=BERLIN)
    opens = unix("2026-03-29T01:00", BERLIN)
    assert window_at([night], opens) and window_at([night], opens + 2 * 3600 - 1)
    assert window_at([night], opens + 2 * 3600) is None, "02:00 to 03:00 does not exist on that day"


def test_when_clocks_go_back_the_window_lasts_an_hour_longer() -> None:
    night = Maintenance(start="01:00", end="04:00", timezone=BERLIN)
    opens = unix("2026-10-25T01:00", BERLIN)
    assert window_at([night], opens + 4 * 3600 - 1)
    assert window_at([night], opens + 4 * 3600) is None
