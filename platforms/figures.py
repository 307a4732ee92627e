"""Samples what services and their processes say in numbers: process figures and Prometheus pages."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from math import inf, isfinite

from msgspec import Struct

from config.model import Metrics, PrometheusMetrics, PromqlMetrics, Service
from platforms.platform import MetricsReader, Platform, PlatformError, ProcessSample
from platforms.probing.rounds import Slots, Spawn

_CALM_S = 5.0  # between two samples of a process, at most
_CLOSE_S = 1.0  # while its memory or its descriptors grow, or where memory has a declared limit
_GROWING = 1.01  # from one sample to the next
_GROWTH_LASTS_S = 15.0  # it grows in steps
_SCRAPE_TIMEOUT_S = 5.0


class Figures(Struct, frozen=True):
    """One sample: parallel arrays."""

    service: str
    incarnation: str
    names: tuple[str, ...]
    values: tuple[float, ...]


class _Pace:
    """When one service is due again."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.sample_at = inf
        self.rss_mib = self.open_files = inf
        self.close_until = -inf
        self.scrape_at = inf
        self.scraping = False


class FigureRounds:
    """One `look` at all services, called a few times a second, takes what is due; `report` gets each sample."""

    def __init__(
        self,
        platform: Platform,
        scraper: MetricsReader,
        slots: Slots,
        report: Callable[[Figures], None],
        spawn: Spawn,
    ) -> None:
        self.scrapes_failed: Counter[str] = Counter()
        self._platform = platform
        self._scraper = scraper
        self._slots = slots
        self._report = report
        self._spawn = spawn
        self._paces: dict[str, _Pace] = {}

    def look(self, services: Sequence[Service], now: float, latency_s: Callable[[str], float | None]) -> None:
        for service in services:
            current = self._platform.current(service.name)
            if current is None:
                continue
            pace = self._pace(service, now)
            if now >= pace.sample_at:
                self._sample(service, current.mark, pace, now, latency_s(service.name))
            if service.metrics is not None:
                self._scrape_when_due(service, service.metrics, current.mark, pace, now)
        if len(self._paces) > len(services):
            self._paces = {s.name: self._paces[s.name] for s in services if s.name in self._paces}

    def take(self, names: Sequence[str], now: float) -> dict[str, float]:
        """Sample these at once, whenever they were due; processor use since their last sample, where it is known."""
        used: dict[str, float] = {}
        for name in names:
            pace, current = self._paces.get(name), self._platform.current(name)
            if pace is not None and current is not None:
                seen = self._sample(pace.service, current.mark, pace, now, None)
                used |= {name: seen.cpu_percent} if seen is not None else {}
        return used

    def _pace(self, service: Service, now: float) -> _Pace:
        pace = self._paces.get(service.name)
        if pace is None or pace.service is not service:
            pace = self._paces[service.name] = _Pace(service)
            pace.sample_at = self._slots(service.name, _CLOSE_S, now, now)  # never all of them in one turn
            if service.metrics is not None:
                pace.scrape_at = self._slots(service.name, service.metrics.interval_s, now, now)
        return pace

    def _sample(
        self, service: Service, mark: str, pace: _Pace, now: float, latency_s: float | None
    ) -> ProcessSample | None:
        seen = self._platform.sample(service.name)
        if seen is not None and (
            seen.rss_mib > pace.rss_mib * _GROWING or seen.open_files > pace.open_files * _GROWING
        ):
            pace.close_until = now + _GROWTH_LASTS_S
        close = now < pace.close_until or service.limits.memory_mib is not None
        pace.sample_at = self._slots(service.name, _CLOSE_S if close else _CALM_S, now, now)
        if seen is None:
            if latency_s is not None:  # of what somebody else runs
                self._report(Figures(service.name, mark, ("probe_latency_s",), (latency_s,)))
            return None
        pace.rss_mib, pace.open_files = seen.rss_mib, seen.open_files
        names: tuple[str, ...] = ("cpu_percent", "rss_mib", "threads", "open_files")
        values: tuple[float, ...] = (
            seen.cpu_percent,
            seen.rss_mib,
            float(seen.threads),
            float(seen.open_files),
        )
        if latency_s is not None:
            names, values = (*names, "probe_latency_s"), (*values, latency_s)
        self._report(Figures(service.name, mark, names, values))
        return seen

    def _scrape_when_due(
        self, service: Service, metrics: Metrics, mark: str, pace: _Pace, now: float
    ) -> None:
        if now < pace.scrape_at:
            return
        pace.scrape_at = self._slots(service.name, metrics.interval_s, now, now)
        if not pace.scraping:
            pace.scraping = True
            self._spawn(self._scrape(service.name, metrics, mark, pace))

    async def _scrape(self, name: str, metrics: Metrics, mark: str, pace: _Pace) -> None:
        timeout_s = min(metrics.interval_s, _SCRAPE_TIMEOUT_S)
        try:
            async with asyncio.timeout(timeout_s * 1.5):
                if isinstance(metrics, PrometheusMetrics):
                    page = await self._scraper.scrape(metrics.url, timeout_s)
                elif isinstance(metrics, PromqlMetrics):
                    page = await self._scraper.query(metrics, timeout_s)
                else:
                    page = await self._scraper.measured(name)
        except (PlatformError, TimeoutError, OSError):
            self.scrapes_failed[name] += 1
            return
        finally:
            pace.scraping = False
        finite = {metric: value for metric, value in page.items() if isfinite(value)}
        if finite:
            self._report(Figures(name, mark, tuple(finite), tuple(finite.values())))
