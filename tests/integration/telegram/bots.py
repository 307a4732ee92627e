"""Bots of the library itself, and their keyboards."""

import ssl
from functools import cache

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.request import HTTPXRequest

from tests.fixtures.bot_api.standin import StandIn

ANN = 7


@cache
def _certificates() -> ssl.SSLContext:
    """Loaded once: every client would load them anew, for a tenth of a second."""
    return ssl.create_default_context()


def bot_of(telegram: StandIn, token: str = "") -> Bot:
    polling, calling = (HTTPXRequest(httpx_kwargs={"verify": _certificates()}) for _ in range(2))
    base_url = telegram.base_url
    return Bot(token or telegram.token, base_url=base_url, get_updates_request=polling, request=calling)


def keyboard(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=data) for text, data in buttons]])
