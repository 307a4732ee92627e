"""Calls Render's API: within its limits, with patience where that is safe, never for longer than a deadline."""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from platforms.render.breaker import Breaker
from platforms.render.failures import LostError, RenderError, UncertainError
from platforms.render.limits import Limits, is_used_up, reset_s
from platforms.render.wire import Answer, Wire

CALL_S = 10.0  # one try
READ_S = 25.0  # all tries of a read
CHANGE_S = 45.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_TOO_MANY = 429

Query = Sequence[tuple[str, str]]


class RenderClient:
    """`ask` returns the body of a 2xx, or raises RenderError: a sentence with Render's own words and the id of its error."""

    def __init__(self, wire: Wire, wall: Callable[[], float] = time.time, seed: int | None = None) -> None:
        self._wire = wire
        self._wall = wall
        self._chance = Random(seed)
        self._limits = Limits()
        self.breaker = Breaker()

    async def read(
        self, path: str, query: Query = (), *, urgent: bool = False, within_s: float = READ_S
    ) -> bytes:
        return await self._ask("GET", path, query, None, urgent=urgent, again=True, within_s=within_s)

    async def change(
        self, method: str, path: str, body: Any = None, *, again: bool = False, within_s: float = CHANGE_S
    ) -> bytes:
        """`again`: doing it twice is doing it once, so that it may be repeated without a look."""
        raw = None if body is None else msgspec.json.encode(body)
        return await self._ask(method, path, (), raw, urgent=True, again=again, within_s=within_s)

    async def close(self) -> None:
        await self._wire.close()

    async def _ask(
        self, method: str, path: str, query: Query, body: bytes | None, *, urgent: bool, again: bool, within_s: float
    ) -> bytes:  # fmt: skip
        ends_at, pause_s, what = _now() + within_s, _FIRST_PAUSE_S, f"{method} {path}"
        while True:
            await self._until_welcome(method, path, ends_at, urgent=urgent)
            try:
                return await self._once(method, path, query, body, min(CALL_S, max(ends_at - _now(), 0.1)))
            except _AgainError as trouble:
                known = trouble.surely_undone or again
                wait_s = max(pause_s * self._chance.uniform(0.5, 1.0), trouble.wait_s)
                if not known:
                    raise UncertainError(
                        f"{what}: {trouble}; nobody knows whether it was done", trouble.status
                    ) from None
                if self.breaker.is_open or _now() + wait_s >= ends_at:
                    raise RenderError(f"{what}: {trouble}", trouble.status) from None
            await asyncio.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _until_welcome(self, method: str, path: str, ends_at: float, *, urgent: bool) -> None:
        bucket = self._limits.of(method, path)
        while (wait_s := bucket.wait_s(_now(), urgent=urgent)) > 0:
            if _now() + wait_s > ends_at:
                raise RenderError(
                    f"{method} {path}: our share of Render's limit is used up for {wait_s:.0f} s"
                )
            await asyncio.sleep(wait_s)
        if (closed_s := self.breaker.wait_s(_now())) > 0:
            raise RenderError(f"Render's API does not answer; it is asked again in {closed_s:.0f} s")
        bucket.take(_now())

    async def _once(
        self, method: str, path: str, query: Query, body: bytes | None, timeout_s: float
    ) -> bytes:
        try:
            answer = await self._wire.send(method, path, query, body, timeout_s)
        except LostError as lost:
            self.breaker.failed(_now())
            raise _AgainError(str(lost), surely_undone=not lost.sent) from lost
        self._heed(method, path, answer)
        if answer.status >= 500:
            self.breaker.failed(_now())
            raise _AgainError(f"Render answered {answer.status}{_said(answer)}", status=answer.status)
        self.breaker.succeeded()
        if answer.status == _TOO_MANY:
            wait_s = reset_s(answer.headers, self._wall())
            raise _AgainError(
                "Render wants fewer calls", wait_s=wait_s or 0.0, surely_undone=True, status=_TOO_MANY
            )
        if not 200 <= answer.status < 300:
            raise RenderError(
                f"{method} {path}: Render refused ({answer.status}){_said(answer)}", answer.status
            )
        return answer.body

    def _heed(self, method: str, path: str, answer: Answer) -> None:
        """Whoever else uses the key, and our own earlier life, used up calls that we did not count."""
        if answer.status == _TOO_MANY or is_used_up(answer.headers):
            wait_s = reset_s(answer.headers, self._wall())
            if wait_s is not None:
                self._limits.of(method, path).hold(_now() + wait_s)


class _AgainError(Exception):
    """A try that another one may follow."""

    def __init__(
        self, why: str, *, wait_s: float = 0.0, surely_undone: bool = False, status: int = 0
    ) -> None:
        super().__init__(why)
        self.wait_s, self.surely_undone, self.status = wait_s, surely_undone, status


class _Error(msgspec.Struct):
    id: str = ""
    message: str = ""
    code: str = ""


def _said(answer: Answer) -> str:
    """Render's own sentence and the id by which its support finds it."""
    try:
        error = msgspec.json.decode(answer.body, type=_Error)
    except msgspec.DecodeError:
        return ""
    named = f" (error {error.id})" if error.id else ""
    return f": {error.message[:300]}{named}" if error.message else named


def _now() -> float:
    return asyncio.get_running_loop().time()
