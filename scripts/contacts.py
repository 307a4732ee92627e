"""The ways to people that the environment names: Telegram, and a second channel."""

import os
from functools import partial

from agents.telling.port import Channel, Contacts, People
from agents.telling.words import COMMANDS
from config.mailbox import mailbox
from config.secret import secret_values
from config.settings import Settings
from dashboard.reports.curves import Curves
from platforms.telegram.port import Ears, Messenger
from scripts.photos import photo
from utils.redact import Redactor


def reach_people(contacts: Contacts, settings: Settings, people: People, curves: Curves) -> None:
    contacts.photo = partial(photo, curves)
    contacts.people, contacts.page = people, settings.nightwarden_dashboard_url
    contacts.second = _second(settings)
    if settings.telegram_bot_token:
        contacts.messenger = lambda ears: _telegram(settings, ears)


def _telegram(settings: Settings, ears: Ears) -> Messenger:
    from platforms.telegram.messenger import TelegramMessenger

    return TelegramMessenger(
        settings.telegram_bot_token.reveal(),
        settings.telegram_chat_id,
        ears,
        commands=COMMANDS,
        base_url=f"{settings.telegram_api_url.rstrip('/')}/bot",
        redact=Redactor(secret_values(os.environ)),
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
