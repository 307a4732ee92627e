"""Scrapes Prometheus text pages in small slices: the usual parser holds the loop 145 ms for 10,000 series."""

import asyncio
import re
from math import isfinite

from platforms.platform import PlatformError
from platforms.probing.http_get import get, target

_PAGE_LIMIT = 10 * 2**20
_SERIES_LIMIT = 20_000
_SLICE = 131_072
_LINE = re.compile(r'([a-zA-Z_:][\w:]*)\s*(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)')


class PrometheusScraper:
    """Implements `Scraper`."""

    async def scrape(self, url: str, timeout_s: float) -> dict[str, float]:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await get(target(url, "text/plain;version=0.0.4"), _PAGE_LIMIT)
                if answer.status != 200:
                    raise PlatformError(f"{url} answered {answer.status}")
                if answer.cut:
                    raise PlatformError(f"{url} is longer than {_PAGE_LIMIT >> 20} MiB")
                return await parse(answer.body, url)
        except TimeoutError as error:
            raise PlatformError(f"{url} gave no whole page within {timeout_s:g} s") from error
        except (OSError, ValueError) as error:
            raise PlatformError(f"{url}: {error}") from error


async def parse(page: bytes, origin: str) -> dict[str, float]:
    """name{labels} -> value; what is not finite is left out. Other tasks run between the slices."""
    series: dict[str, float] = {}
    understood = 0
    begin = 0
    while begin < len(page):
        end = page.find(b"\n", begin + _SLICE)
        end = len(page) if end < 0 else end + 1
        understood += _parse_slice(page[begin:end].decode(errors="replace"), series)
        begin = end
        if len(series) > _SERIES_LIMIT:
            raise PlatformError(f"{origin} holds more than {_SERIES_LIMIT} series")
        await asyncio.sleep(0)
    if page.strip() and not understood:
        raise PlatformError(f"{origin} is no Prometheus page")
    return series


def _parse_slice(text: str, series: dict[str, float]) -> int:
    """How many lines had a meaning, comments included."""
    understood = 0
    for line in text.split("\n"):
        if not line or line[0] == "#":
            understood += bool(line)
            continue
        name, value = _quick(line) or _careful(line) or ("", 0.0)
        if name:
            understood += 1
            if isfinite(value):
                series[name] = value
    return understood


def _quick(line: str) -> tuple[str, float] | None:
    """The form that every exporter writes: one space, then a number and nothing more."""
    name, _, value = line.rpartition(" ")
    if not name or not (name[0].isalpha() or name[0] in "_:"):
        return None
    if (name[-1] != "}" and " " in name) or (name[-1] == "}" and " # {" in name):
        return None
    try:
        return name, float(value)
    except ValueError:
        return None


def _careful(line: str) -> tuple[str, float] | None:
    """Time stamps, exemplars, odd spacing."""
    found = _LINE.match(line.strip())
    if found is None:
        return None
    name, labels, value = found.groups()
    try:
        return name + (labels or ""), float(value)
    except ValueError:
        return None
