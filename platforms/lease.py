"""One actor among several daemons: a lease that one of them holds, taken and renewed in a store that all can reach."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from utils.clock import boot_time_s
from utils.structured_logger import get_logger

log = get_logger("lease")
TTL_S = 15.0
MARGIN_S = 2.0  # we stop acting that much before anybody else may begin
RENEW_S = TTL_S / 3
RELEASE_S = 2.0


class LeaseStore(Protocol):
    """Decides by its own clock. Each call raises OSError or TimeoutError where it cannot be reached."""

    async def take(self, holder: str, ttl_s: float) -> int | None:
        """A fencing token that is higher than every one before it, or None while another holder's lease runs."""
        ...

    async def renew(self, holder: str, token: int, ttl_s: float) -> bool:
        """False: the lease is somebody else's now, or ran out and was taken."""
        ...

    async def release(self, holder: str, token: int) -> None: ...

    async def close(self) -> None: ...


class Lease:
    """`why_not` is asked just before every call that reaches outside; it looks at our own clock alone.

    We count from before we asked, the store from when it heard us: so ours always runs out first, however slow the
    network and whatever wall clocks do. The clock counts time in which the machine slept.
    """

    def __init__(
        self,
        store: LeaseStore,
        holder: str,
        changed: Callable[[bool, int, bool], None],
        clock: Callable[[], float] = boot_time_s,
    ) -> None:
        self._store = store
        self._holder = holder
        self._changed = changed
        self._clock = clock
        self._token = 0
        self._valid_until = 0.0
        self._told = self._told_taken = False
        self._taken = False  # by another daemon, as the store said
        self._trouble = "the lease was not taken yet"

    def why_not(self) -> str:
        return "" if self._clock() < self._valid_until else self._trouble

    @property
    def token(self) -> int:
        return self._token if not self.why_not() else 0

    async def run(self) -> None:
        """Until cancelled, which releases the lease at once."""
        try:
            while True:
                began_at = self._clock()
                await self._once(began_at)
                self._tell()
                await asyncio.sleep(RENEW_S if not self.why_not() else RENEW_S / 2)
                self._tell()
        finally:
            await self._leave()

    async def _once(self, asked_at: float) -> None:
        try:
            async with asyncio.timeout(RENEW_S):
                held = await self._ask()
        except (OSError, TimeoutError) as error:
            log.warning("lease_store_unreachable", error=type(error).__name__)
            self._trouble = "the store of the lease cannot be reached: another daemon may be the one to act"
            return
        self._taken = not held
        if held:
            self._valid_until = asked_at + TTL_S - MARGIN_S
        else:
            self._token, self._valid_until = 0, 0.0
            self._trouble = "another daemon holds the lease"

    async def _ask(self) -> bool:
        if self._token and await self._store.renew(self._holder, self._token, TTL_S):
            return True
        token = await self._store.take(self._holder, TTL_S)
        self._token = token or 0
        return token is not None

    def _tell(self) -> None:
        held = not self.why_not()
        if (held, self._taken) != (self._told, self._told_taken):
            self._told, self._told_taken = held, self._taken
            self._changed(held, self._token, self._taken)

    async def _leave(self) -> None:
        """Nothing of ours may act any more; then whoever waits need not wait for the end of our time."""
        token, self._token, self._valid_until = self._token, 0, 0.0
        self._trouble = "the lease was given back"
        try:
            async with asyncio.timeout(RELEASE_S):
                if token:
                    await self._store.release(self._holder, token)
                await self._store.close()
        except (OSError, TimeoutError):
            log.warning("lease_not_released")
