"""Parts of one whole that run in a task group: one that is cancelled alone ends them all, so that the whole begins anew."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class PartLostError(RuntimeError):
    """Somebody cancelled a part from outside."""


class Parts:
    """A task group takes a cancelled task for one that has done its work, and the rest would go on without it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._whole = asyncio.current_task()
        self._ends = False

    def end(self) -> None:
        """From now on parts are cancelled on purpose."""
        self._ends = True

    async def part(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            if self._ends or (self._whole is not None and self._whole.cancelling()):
                raise
            self._ends = True
            raise PartLostError(f"a part of {self._name} was cancelled from outside") from None
        except BaseException:
            self._ends = True
            raise
