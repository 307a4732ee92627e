"""The picture of a metric: a PNG that says what it is, shows curve and marks, and is left out where nothing is to see."""

import zlib

import pytest

from analysis.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Mark, plot
from dashboard.reports.curves import Curves
from scripts.photos import photo, strangest

CURVE, BAD, ACT, GOOD = 1, 4, 5, 6


def rows(png: bytes) -> list[bytes]:
    """The points, after every checksum was looked at."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, data = 8, b""
    while place < len(png):
        length, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        body = png[place + 8 : place + 8 + length]
        assert zlib.crc32(kind + body) == int.from_bytes(png[place + 8 + length : place + 12 + length], "big")
        data += body if kind == b"IDAT" else b""
        place += 12 + length
    points = zlib.decompress(data)
    return [points[n + 1 : n + 1 + WIDTH] for n in range(0, len(points), WIDTH + 1)]


def test_the_curve_rises_where_its_values_do_and_marks_stand_where_they_belong() -> None:
    drawn = rows(plot([0.0, 50.0, 100.0], [0.0, 0.0, 10.0], [Mark(50.0, "bad"), Mark(100.0, "good")], 50.0))
    assert len(drawn) == HEIGHT
    assert drawn[HEIGHT - BOTTOM][LEFT + 5] == CURVE
    assert drawn[TOP][LEFT + 5] != CURVE
    assert drawn[TOP][WIDTH - RIGHT] in (CURVE, GOOD)
    assert drawn[HEIGHT // 2][LEFT + (WIDTH - RIGHT - LEFT) // 2] == BAD
    assert drawn[HEIGHT // 2][LEFT + (WIDTH - RIGHT - LEFT) * 3 // 4] == 0


def test_marks_outside_of_the_curve_are_left_out() -> None:
    drawn = rows(plot([0.0, 10.0], [1.0, 2.0], [Mark(-5.0, "act"), Mark(20.0, "act")], 0.0))
    assert not any(ACT in row for row in drawn)


@pytest.mark.parametrize("values", [[0.0, 0.0], [-3.0, -1.0], [1e12, 2e12], [5e-9, 6e-9]])
def test_every_range_of_values_can_be_drawn(values: list[float]) -> None:
    assert any(CURVE in row for row in rows(plot([0.0, 1.0], values, [], 0.0)))


def curves(strange: float) -> Curves:
    found = Curves()
    for n in range(90):
        jumped = n >= 88
        found.add("shop", ("rss_mib", "errors"), (100.0 + n % 2, strange if jumped else 1.0), n * 10.0)
    return found


def test_the_picture_is_of_the_metric_that_is_furthest_from_what_it_was() -> None:
    found = strangest(curves(50.0), "shop", 880.0, 900.0)
    assert found is not None
    assert found.metric == "errors"
    assert photo(curves(50.0), "shop", 880.0, [], 900.0) is not None


def test_where_nothing_is_to_see_there_is_no_picture() -> None:
    assert photo(curves(1.0), "shop", 880.0, [], 900.0) is None
    assert photo(curves(50.0), "web", 880.0, [], 900.0) is None
    assert photo(curves(float("nan")), "web", 880.0, [], 900.0) is None
