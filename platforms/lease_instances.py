"""One actor on Render, where no lock on a disk and no database decides: the newest instance of our own service."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from platforms.lease import MARGIN_S, RENEW_S, TTL_S
from utils.clock import boot_time_s
from utils.structured_logger import get_logger

log = get_logger("lease")
SETTLE_S = 2 * TTL_S  # what an older instance may still believe is over by then, though it heard of us late


class Instance(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def born_at(self) -> float: ...


class NewestInstance:
    """`why_not` is asked just before every call that reaches outside; who does not know does not act.

    `list_instances` raises OSError or TimeoutError. A view counts from before we asked, and not for long.
    """

    def __init__(
        self,
        list_instances: Callable[[], Awaitable[Sequence[Instance]]],
        own: str,
        changed: Callable[[bool], None],
        clock: Callable[[], float] = boot_time_s,
    ) -> None:
        self._list, self._own, self._changed, self._clock = list_instances, own, changed, clock
        self._valid_until = 0.0
        self._newest_since: float | None = None
        self._told = False
        self._trouble = "Render was not asked yet which instance is the newest"
        self.newer = ""  # an instance that is newer than we are, as far as we know

    def why_not(self) -> str:
        return "" if self._clock() < self._valid_until else self._trouble

    def why_silent(self) -> str:
        """Why somebody else tells people: not for mere ignorance, which would leave nobody to tell of it."""
        return f"a newer instance of this service runs: {self.newer}" if self.newer else ""

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._once(self._clock())
                self._tell()
                await asyncio.sleep(RENEW_S)
                self._tell()
        finally:
            self._valid_until, self._trouble = 0.0, "this instance ends"

    async def _once(self, asked_at: float) -> None:
        try:
            async with asyncio.timeout(RENEW_S):
                found = await self._list()
        except (OSError, TimeoutError) as error:
            log.warning("instances_not_listed", error=type(error).__name__)
            self._trouble = (
                "Render does not say which instance is the newest: another one may be the one to act"
            )
            return
        self._trouble = self._judge(found, asked_at)
        if not self._trouble:
            self._valid_until = asked_at + TTL_S - MARGIN_S
            self._trouble = "it is too long ago that we were seen to be the newest instance"
        else:
            self._valid_until = 0.0

    def _judge(self, found: Sequence[Instance], asked_at: float) -> str:
        """Why we may not act; empty where we may."""
        self.newer = ""
        newest = max(found, key=lambda each: (each.born_at, each.id), default=None)
        if newest is None or self._own not in {each.id for each in found}:
            self._newest_since = None
            return "Render does not list this instance"
        if newest.id != self._own:
            self._newest_since, self.newer = None, newest.id
            return self.why_silent()
        if self._newest_since is None:
            self._newest_since = asked_at
        if len(found) > 1 and asked_at - self._newest_since < SETTLE_S:
            return "an older instance of this service may not know of us yet"
        return ""

    def _tell(self) -> None:
        held = not self.why_not()
        if held != self._told:
            self._told = held
            self._changed(held)
