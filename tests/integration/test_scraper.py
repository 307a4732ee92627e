"""The scraper against real sockets, and its parser."""

import asyncio
import math
import time

import pytest

from platforms.platform import PlatformError
from platforms.prometheus import PrometheusScraper, parse
from tests.integration.test_probes import says, serving


def page(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def scrape(answer: bytes) -> dict[str, float]:
    async with serving(says(answer)) as port:
        return await PrometheusScraper().scrape(f"http://127.0.0.1:{port}/metrics", 1.0)


async def test_a_page_becomes_names_with_labels_and_values() -> None:
    body = b'# HELP a b\n# TYPE a counter\na 1\nb{path="/x y",le="+Inf"} 2.5e3\n_c:d -4\n'
    assert await scrape(page(body)) == {"a": 1.0, 'b{path="/x y",le="+Inf"}': 2500.0, "_c:d": -4.0}


async def test_time_stamps_exemplars_and_odd_spacing_are_understood() -> None:
    body = b'a 1 1700000000000\r\nb{x="}"}   2 17\n  c\t3\nd{x="1 # {"} 4\ne{x="1"} 5 # {id="q"} 0.67\n'
    expected = {"a": 1.0, 'b{x="}"}': 2.0, "c": 3.0, 'd{x="1 # {"}': 4.0, 'e{x="1"}': 5.0}
    assert await parse(body, "here") == expected


async def test_what_is_not_finite_is_left_out() -> None:
    assert await parse(b"a NaN\nb +Inf\nc -Inf\nd 1\n", "here") == {"d": 1.0}


async def test_a_last_line_without_an_end_counts() -> None:
    assert await parse(b"a 1\nb 2", "here") == {"a": 1.0, "b": 2.0}


async def test_an_empty_page_is_no_error() -> None:
    assert await parse(b"", "here") == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(b"", b"404 Not Found"), "answered 404"),
        (page(b"<html>\n<p>\nhello you 5 times\n</html>"), "no Prometheus page"),
        (page(b"a 1\n" * 3_000_000), "longer than 10 MiB"),
        (b"nonsense\r\n\r\n", "no HTTP answer"),
    ],
)
async def test_what_is_no_page_is_refused_with_the_reason(answer: bytes, words: str) -> None:
    with pytest.raises(PlatformError, match=words):
        await scrape(answer)


async def test_a_page_that_does_not_come_is_refused_in_time() -> None:
    async with serving(says(keep_open=True)) as port:
        with pytest.raises(PlatformError, match=r"within 0\.1 s"):
            await PrometheusScraper().scrape(f"http://127.0.0.1:{port}/metrics", 0.1)


async def test_too_many_series_are_refused() -> None:
    with pytest.raises(PlatformError, match="20000 series"):
        await parse("".join(f"a{n} 1\n" for n in range(20_001)).encode(), "here")


async def test_ten_thousand_series_never_hold_the_loop_for_long() -> None:
    body = "".join(
        f'http_requests_total{{path="/item/{n}",code="200"}} {n}.5\n' for n in range(10_000)
    ).encode()
    longest, turns = 0.0, 0
    done = False

    async def watch() -> None:
        nonlocal longest, turns
        last = time.thread_time()
        while not done:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns += 1
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    series = await parse(body, "here")
    done = True
    await watching
    assert len(series) == 10_000
    assert math.isclose(series['http_requests_total{path="/item/7",code="200"}'], 7.5)
    assert longest < 0.02
    assert turns >= 4
