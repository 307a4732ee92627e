"""The ways to people that the environment names: Telegram, and a second channel."""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from agents.telling.port import Channel, Contacts, People
from agents.telling.words import COMMANDS
from config.mailbox import mailbox
from config.secret import secret_values
from config.settings import Settings
from dashboard.reports.curves import Curves
from platforms.chaos.cuts import Cuts
from platforms.telegram.port import Ears, Messenger
from scripts.photos import photo
from utils.redact import Redactor

Opener = Callable[[str, str], Awaitable[Any]]


def reach_people(
    contacts: Contacts, settings: Settings, people: People, curves: Curves, cuts: Cuts | None = None
) -> None:
    contacts.photo = partial(photo, curves)
    contacts.people, contacts.page = people, settings.nightwarden_dashboard_url
    contacts.second = _second(settings)
    if settings.telegram_bot_token:
        contacts.messenger = lambda ears: _telegram(settings, ears, cuts)
        if cuts is not None:
            cuts.known.add("telegram")


def _telegram(settings: Settings, ears: Ears, cuts: Cuts | None) -> Messenger:
    from platforms.telegram.messenger import TelegramMessenger, opened

    open_wire: Opener = opened
    if cuts is not None:
        from platforms.chaos.cut_telegram import opened_cuttable

        open_wire = partial(opened_cuttable, cuts)

    return TelegramMessenger(
        settings.telegram_bot_token.reveal(),
        settings.telegram_chat_id,
        ears,
        commands=COMMANDS,
        base_url=f"{settings.telegram_api_url.rstrip('/')}/bot",
        redact=Redactor(secret_values(os.environ)),
        open_wire=open_wire,
    )


def _second(settings: Settings) -> Channel | None:
    """A webhook before e-mail."""
    if settings.notify_webhook_url:
        from platforms.channels import Webhook

        return Webhook(settings.notify_webhook_url.reveal(), settings.notify_webhook_secret.reveal())
    if settings.notify_email_url:
        from platforms.channels import Email

        return Email(mailbox(settings.notify_email_url.reveal()))
    return None
