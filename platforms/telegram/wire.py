"""The calls themselves, on python-telegram-bot; loaded only where Telegram is used, for it takes 0.2 s and 26 MiB."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from platforms.telegram.content import Content
from platforms.telegram.failures import FailureError, translate
from platforms.telegram.text import LONGEST_ANSWER, cut_plain

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup, Update

T = TypeVar("T")
_CALL_S = 30.0  # over all of the library's own deadlines
_POLL_S = 6  # a connection that has gone dead is noticed by the next one
_HEARD = ("message", "callback_query")


class Wire(Protocol):
    """Raises FailureError only."""

    async def create(self, chat_id: int, content: Content) -> int: ...
    async def edit(self, chat_id: int, message_id: int, content: Content, *, pictured: bool) -> bool:
        """Whether it has a picture now."""
        ...

    async def retire(self, chat_id: int, message_id: int) -> None:
        """Take a message of ours away. What is not ours cannot be edited, and is therefore never deleted."""
        ...


class BotWire:
    def __init__(self, token: str, base_url: str, certificates: ssl.SSLContext | None = None) -> None:
        _silence()
        from telegram import Bot
        from telegram.request import HTTPXRequest

        more = {"verify": certificates or ssl.create_default_context()}  # the library would load them twice
        self._requests = (
            HTTPXRequest(connection_pool_size=1, httpx_kwargs=more),
            HTTPXRequest(connection_pool_size=32, read_timeout=10.0, pool_timeout=5.0, httpx_kwargs=more),
        )
        polling, calling = self._requests
        self._token = token
        self._bot = Bot(token, base_url=base_url, get_updates_request=polling, request=calling)

    async def name(self) -> str:
        """How the bot is called in commands."""
        return (await self._call(self._bot.get_me())).username or ""

    async def listen_by_polling(self, commands: Sequence[tuple[str, str]]) -> None:
        """A webhook that was set once would keep everything from us."""
        await self._call(self._bot.delete_webhook())
        if commands:
            await self._call(self._bot.set_my_commands(list(commands)))

    async def updates(self, offset: int, *, wait: bool = True) -> "tuple[Update, ...]":
        poll = self._bot.get_updates(offset=offset, timeout=_POLL_S if wait else 0, allowed_updates=_HEARD)
        return await self._call(poll, _POLL_S + _CALL_S)

    async def create(self, chat_id: int, content: Content) -> int:
        more: dict[str, Any] = {"reply_markup": _keyboard(content), "parse_mode": _mode(content)}
        if content.photo is None:
            text = content.fitting(caption=False)
            sent = await self._call(self._bot.send_message(chat_id, text, **more))
        else:
            caption = content.fitting(caption=True)
            sent = await self._call(self._bot.send_photo(chat_id, content.photo, caption=caption, **more))
        return sent.message_id

    async def edit(self, chat_id: int, message_id: int, content: Content, *, pictured: bool) -> bool:
        try:
            await self._edit(chat_id, message_id, content, pictured=pictured)
        except FailureError as failure:
            if failure.kind != "pictured":
                raise
            pictured = True  # it got its picture in an earlier life of ours
            await self._edit(chat_id, message_id, content, pictured=True)
        return pictured or content.photo is not None

    async def _edit(self, chat_id: int, message_id: int, content: Content, *, pictured: bool) -> None:
        where: dict[str, Any] = {
            "chat_id": chat_id,
            "message_id": message_id,
            "reply_markup": _keyboard(content),
        }
        text = content.fitting(caption=pictured or content.photo is not None)
        if content.photo is not None:
            from telegram import InputMediaPhoto

            media = InputMediaPhoto(content.photo, caption=text, parse_mode=_mode(content))
            await self._call(self._bot.edit_message_media(media, **where))
        elif pictured:
            await self._call(self._bot.edit_message_caption(caption=text, parse_mode=_mode(content), **where))
        else:
            await self._call(self._bot.edit_message_text(text, parse_mode=_mode(content), **where))

    async def retire(self, chat_id: int, message_id: int) -> None:
        try:
            await self._call(self._bot.edit_message_reply_markup(chat_id, message_id))
        except FailureError as failure:
            if failure.kind != "unchanged":
                raise
        await self._call(self._bot.delete_message(chat_id, message_id))

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        shown = cut_plain(text, LONGEST_ANSWER) or None
        await self._call(self._bot.answer_callback_query(query_id, shown, show_alert=alert))

    async def close(self) -> None:
        for request in self._requests:
            with suppress(Exception):  # nothing can be done about a client that does not close
                await request.shutdown()

    async def _call(self, call: Awaitable[T], within_s: float = _CALL_S) -> T:
        from telegram.error import TelegramError

        try:
            async with asyncio.timeout(within_s):
                return await call
        except (TelegramError, TimeoutError) as error:
            raise translate(error, self._token) from None
        except Exception as error:  # noqa: BLE001 - what the library cannot put together, it never will
            raise FailureError("illegible", type(error).__name__) from None


def _keyboard(content: Content) -> "InlineKeyboardMarkup | None":
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    rows = [[InlineKeyboardButton(b.text, callback_data=b.data) for b in row] for row in content.buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def _mode(content: Content) -> Any:
    return "HTML" if content.rich else None


def _silence() -> None:
    """These loggers write addresses, and the address has the token in it."""
    for name in ("httpx", "httpcore", "telegram"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
