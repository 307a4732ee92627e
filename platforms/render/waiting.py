"""Patience for acts: calls are repeated only when it is safe, and an act ends when its result stands."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from platforms.platform import PlatformError
from platforms.render.failures import RenderError, UncertainError

T = TypeVar("T")
PATIENCE_S = 240.0  # with an API that does not answer
SHOWS_S = 6.0  # by then Render's lists show what was done
AGAIN_S = 3.0
LOOK_S = 2.0


async def surely(call: Callable[[], Awaitable[None]], done: Callable[[], Awaitable[bool]]) -> None:
    """Make one change once: where nobody knows whether it was done, look before it is asked for again."""
    ends_at = _now() + PATIENCE_S
    while True:
        try:
            await call()
        except UncertainError as error:
            await asyncio.sleep(SHOWS_S)
            if await patiently(done):
                return
            trouble: RenderError = error
        except RenderError as error:
            if not passes(error):
                raise
            trouble = error
            await asyncio.sleep(AGAIN_S)
        else:
            return
        if _now() >= ends_at:
            raise trouble


async def patiently(look: Callable[[], Awaitable[T]]) -> T:
    """A look that outlasts a short outage."""
    ends_at = _now() + PATIENCE_S
    while True:
        try:
            return await look()
        except RenderError as error:
            if not passes(error) or _now() >= ends_at:
                raise
        await asyncio.sleep(AGAIN_S)


async def until(look: Callable[[], Awaitable[T | None]], within_s: float, what: str) -> T:
    """Look until there is something to see."""
    ends_at = _now() + within_s
    while _now() < ends_at:
        found = await patiently(look)
        if found is not None:
            return found
        await asyncio.sleep(LOOK_S)
    raise PlatformError(f"{what} within {within_s:.0f} s")


def passes(error: RenderError) -> bool:
    """Whether it is a trouble of the API, not its answer to us."""
    return error.status in {0, 429} or error.status >= 500


def _now() -> float:
    return asyncio.get_running_loop().time()
