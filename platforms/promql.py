"""Metrics of a service from a Prometheus server: a few instant queries at a time, by its HTTP API."""

import asyncio
import os
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from config.model import PromqlMetrics
from platforms.platform import PlatformError

AT_ONCE = 4
SERIES = 200  # of one query
FAILURES = 3  # in a row; then it is left alone for a while
REST_S = 30.0
_ANSWER_LIMIT = 4 * 2**20


class _Result(Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] = (0.0, "NaN")


class _Vector(Struct, tag_field="resultType", tag="vector"):
    result: list[_Result]


class _Scalar(Struct, tag_field="resultType", tag="scalar"):
    result: tuple[float, str]


class _Answer(Struct):
    status: str
    data: _Vector | _Scalar | None = None
    error: str = ""


class Promql:
    """Implements `Querier`. Belongs to the event loop that first uses it."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._failures: dict[str, tuple[int, float]] = {}  # by server: in a row, until when it rests

    async def query(self, metrics: PromqlMetrics, timeout_s: float) -> dict[str, float]:
        """NAME of each query, with labels where it gives several series -> value. Raises PlatformError."""
        in_a_row, rests_until = self._failures.get(metrics.url, (0, 0.0))
        if self._now() < rests_until:
            raise PlatformError(f"{metrics.url} failed {in_a_row} times in a row and rests")
        try:
            found = await self._all(metrics, timeout_s)
        except PlatformError:
            rest = self._now() + REST_S if in_a_row + 1 >= FAILURES else 0.0
            self._failures[metrics.url] = (in_a_row + 1, rest)
            raise
        self._failures.pop(metrics.url, None)
        return found

    def ailing(self) -> str:
        """How many servers did not answer the last time; empty while all do."""
        return f"{len(self._failures)} servers do not answer" if self._failures else ""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _all(self, metrics: PromqlMetrics, timeout_s: float) -> dict[str, float]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(name: str, expression: str) -> dict[str, float]:
            async with gate:
                return named(name, await self._ask(metrics, expression))

        try:
            async with asyncio.timeout(timeout_s):
                parts = await asyncio.gather(*(one(*query) for query in metrics.queries.items()))
        except TimeoutError:
            raise PlatformError(f"{metrics.url} gave no answer within {timeout_s:g} s") from None
        return {series: value for part in parts for series, value in part.items()}

    async def _ask(self, metrics: PromqlMetrics, expression: str) -> list[_Result]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        url = f"{metrics.url.rstrip('/')}/api/v1/query"
        try:
            async with self._session.post(
                url, data={"query": expression}, headers=self._headers(metrics)
            ) as reply:
                body = await reply.content.read(_ANSWER_LIMIT)
                status = reply.status
        except (aiohttp.ClientError, OSError) as error:
            raise PlatformError(f"{metrics.url}: {type(error).__name__}") from error
        return _read(metrics.url, status, body)

    def _headers(self, metrics: PromqlMetrics) -> dict[str, str]:
        token = self._environ.get(metrics.token_env, "") if metrics.token_env else ""
        if metrics.token_env and not token:
            raise PlatformError(
                f"the environment variable {metrics.token_env} holds no token for {metrics.url}"
            )
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


def _read(url: str, status: int, body: bytes) -> list[_Result]:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        raise PlatformError(f"{url} answered {status} and nothing that Prometheus says") from None
    if answer.status != "success" or answer.data is None:
        raise PlatformError(f"{url} answered {status}: {answer.error[:200]}")
    data = answer.data
    return [_Result(value=data.result)] if isinstance(data, _Scalar) else data.result[:SERIES]


def named(name: str, results: list[Any]) -> dict[str, float]:
    """One series has the query's own name, several have their labels behind it; what is not finite is left out.

    >>> named("p95", [_Result({"__name__": "x", "job": "a"}, (0.0, "1.5"))])
    {'p95': 1.5}
    >>> named("p95", [_Result({"job": "a"}, (0.0, "1")), _Result({"job": "b"}, (0.0, "NaN"))])
    {'p95{job="a"}': 1.0}
    """
    found = {}
    for result in results:
        labels = ",".join(
            f'{key}="{value}"' for key, value in sorted(result.metric.items()) if key != "__name__"
        )
        value = float(result.value[1])
        if isfinite(value):
            found[f"{name}{{{labels}}}" if len(results) > 1 and labels else name] = value
    return found
