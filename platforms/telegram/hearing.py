"""What an update means to us: a press, something said, a group that moved, or nothing."""

from typing import TYPE_CHECKING

from msgspec import Struct

from platforms.telegram.port import Press, Said

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update, User

_LONGEST_NAME = 64


class Moved(Struct, frozen=True):
    """A group became a supergroup."""

    chat_id: int
    now: int


def meaning(update: "Update", bot_name: str) -> Press | Said | Moved | None:
    if update.callback_query is not None:
        return _press(update.callback_query)
    return _said(update.message, bot_name) if update.message is not None else None


def _press(query: "CallbackQuery") -> Press:
    """One without a message, or without data, is nothing that we sent: chat 0 is nobody's."""
    where = query.message
    chat_id, message_id = (where.chat.id, where.message_id) if where is not None else (0, 0)
    who = query.from_user
    return Press(query.id, query.data or "", who.id, _name(who), chat_id, message_id)


def _said(message: "Message", bot_name: str) -> Said | Moved | None:
    if message.migrate_to_chat_id:
        return Moved(message.chat.id, message.migrate_to_chat_id)
    who, text = message.from_user, message.text
    if who is None or not text or _for_another(text, bot_name):
        return None
    reply_to = message.reply_to_message.message_id if message.reply_to_message else 0
    return Said(text, who.id, _name(who), message.chat.id, message.message_id, reply_to)


def _for_another(text: str, bot_name: str) -> bool:
    """`/status@some_other_bot`."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    named = word.partition("@")[2] if word.startswith("/") else ""
    return bool(named) and named.lower() != bot_name.lower()


def _name(user: "User") -> str:
    """As people know them; chosen by themselves, so that only the id says who it is."""
    return f"@{user.username}" if user.username else user.full_name[:_LONGEST_NAME]
