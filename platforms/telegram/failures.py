"""What can go wrong with a call, sorted by what to do about it; no text of it carries the token."""

from typing import Literal

Kind = Literal[
    "network",  # nobody answered: try again
    "token",  # the token is not accepted
    "flooded",  # too many: wait `wait_s`
    "shut",  # this chat does not take our messages
    "moved",  # the group has another id now: `chat_id`
    "gone",  # the message is not there any more, or not ours
    "unchanged",  # it says that already
    "pictured",  # it has a picture, so that its text is a caption
    "stale",  # nobody waits for this answer any more
    "illegible",  # this content is not accepted
    "conflict",  # somebody else listens with our token
]
_WORDS: tuple[tuple[str, Kind], ...] = (
    ("not modified", "unchanged"),
    ("message to edit not found", "gone"),
    ("message can't be edited", "gone"),
    ("message_id_invalid", "gone"),
    ("message to delete not found", "gone"),
    ("message can't be deleted", "gone"),
    ("no text in the message to edit", "pictured"),
    ("query is too old", "stale"),
    ("query_id_invalid", "stale"),
    ("chat not found", "shut"),
    ("peer_id_invalid", "shut"),
    ("rights to", "shut"),
    ("chat_write_forbidden", "shut"),
    ("user is deactivated", "shut"),
    ("topic_closed", "shut"),
)


class FailureError(Exception):
    """`maybe_done`: it may have been done all the same."""

    def __init__(
        self, kind: Kind, text: str, *, wait_s: float = 0.0, chat_id: int = 0, maybe_done: bool = False
    ) -> None:
        super().__init__(text)
        self.kind: Kind = kind
        self.text = text
        self.wait_s = wait_s
        self.chat_id = chat_id
        self.maybe_done = maybe_done


def translate(error: Exception, token: str) -> FailureError:
    """What python-telegram-bot raised, in our terms."""
    import httpx
    from telegram import error as known

    text = _without(token, str(error) or type(error).__name__)
    if isinstance(error, known.RetryAfter):
        return FailureError("flooded", text, wait_s=_seconds(error))
    if isinstance(error, known.ChatMigrated):
        return FailureError("moved", text, chat_id=error.new_chat_id)
    if isinstance(error, known.Forbidden):
        return FailureError("shut", text)
    if isinstance(error, known.InvalidToken):
        return FailureError("token", "Telegram does not accept the token: look at TELEGRAM_BOT_TOKEN")
    if isinstance(error, known.Conflict):
        return FailureError("conflict", text)
    if isinstance(error, known.BadRequest):
        return FailureError(_sorted_out(text.lower()), text)
    if "entity too large" in text.lower():
        return FailureError("illegible", text)
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    return FailureError("network", text, maybe_done=not isinstance(error.__cause__, never_sent))


def _sorted_out(text: str) -> Kind:
    return next((kind for words, kind in _WORDS if words in text), "illegible")


def _seconds(error: object) -> float:
    """A number in this version of the library, a timedelta in the next."""
    after = getattr(error, "retry_after", 1)
    return float(getattr(after, "total_seconds", lambda: after)())


def _without(token: str, text: str) -> str:
    for secret in (token, token.partition(":")[2]):
        text = text.replace(secret, "[redacted]") if secret else text
    return text
