"""Telegram's wire, which can be cut on purpose."""

import asyncio
import inspect
from collections.abc import Awaitable
from typing import TypeVar

from platforms.chaos.cuts import TOLD, Cuts
from platforms.telegram.failures import FailureError
from platforms.telegram.wire import BotWire

T = TypeVar("T")


class CuttableTelegram(BotWire):
    def __init__(self, cuts: Cuts, token: str, base_url: str) -> None:
        super().__init__(token, base_url)
        self._cuts = cuts

    async def _call(self, call: Awaitable[T], within_s: float = 30.0) -> T:
        if "telegram" in self._cuts.cut:
            if inspect.iscoroutine(call):
                call.close()
            await asyncio.sleep(0.1)  # nobody is refused for nothing
            raise FailureError("network", TOLD)
        return await super()._call(call, within_s)


async def opened_cuttable(cuts: Cuts, token: str, base_url: str) -> BotWire:
    """In a thread, as the one that cannot be cut."""
    return await asyncio.to_thread(CuttableTelegram, cuts, token, base_url)
