"""Bots of the library itself with their keyboards, and our messenger as it runs in the daemon."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.request import HTTPXRequest

from platforms.telegram.messenger import TelegramMessenger
from platforms.telegram.port import Ears, Press, Said, Trouble
from platforms.telegram.wire import BotWire
from tests.fixtures.bot_api.standin import StandIn

ANN = 7


@cache
def certificates() -> ssl.SSLContext:
    """Loaded once: every client would load them anew, for a tenth of a second."""
    return ssl.create_default_context()


def bot_of(telegram: StandIn, token: str = "") -> Bot:
    polling, calling = (HTTPXRequest(httpx_kwargs={"verify": certificates()}) for _ in range(2))
    base_url = telegram.base_url
    return Bot(token or telegram.token, base_url=base_url, get_updates_request=polling, request=calling)


def keyboard(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=data) for text, data in buttons]])


class Notifier:
    """What the agent will do with a messenger: keeps what it is told, acts on nothing."""

    def __init__(self) -> None:
        self.heard: list[Press | Said] = []
        self.kept: dict[tuple[str, int], int] = {}
        self.told: list[tuple[str, int]] = []
        self.troubles: list[Trouble] = []

    async def hear(self, what: Press | Said) -> None:
        self.heard.append(what)

    def ears(self) -> Ears:
        return Ears(
            heard=self.hear,
            kept=lambda key, chat_id, message_id: self.kept.update({(key, chat_id): message_id}),
            told=lambda key, chat_id: self.told.append((key, chat_id)),
            report=self.troubles.append,
        )

    def ids(self) -> list[tuple[str, int, int]]:
        return [(key, chat_id, message_id) for (key, chat_id), message_id in self.kept.items()]


async def _open(token: str, base_url: str) -> BotWire:
    return BotWire(token, base_url, certificates())


def messenger_of(telegram: StandIn, notifier: Notifier, *, token: str = "", **more: Any) -> TelegramMessenger:
    chats = more.pop("chats", [ANN])
    where: dict[str, Any] = {"base_url": telegram.base_url, "open_wire": _open}
    return TelegramMessenger(token or telegram.token, chats, notifier.ears(), **where, **more)


@asynccontextmanager
async def running(messenger: TelegramMessenger) -> AsyncIterator[TelegramMessenger]:
    task = asyncio.create_task(messenger.run())
    try:
        yield messenger
        assert not task.done(), "a messenger runs for ever"
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
