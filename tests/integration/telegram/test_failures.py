"""What the library raises, sorted by what to do about it."""

import httpx
import pytest
from telegram import error

from platforms.telegram.failures import translate

pytestmark = pytest.mark.filterwarnings(
    "ignore::telegram.warnings.PTBDeprecationWarning"
)  # retry_after as a number

TOKEN = "777000111:AAE-stand_in-0123456789abcdefghijkl"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (error.ChatMigrated(-1050), "moved"),
        (error.Forbidden("Forbidden: bot was blocked by the user"), "shut"),
        (error.InvalidToken("Unauthorized"), "token"),
        (error.Conflict("terminated by other getUpdates request"), "conflict"),
        (error.BadRequest("Message is not modified: specified new message content"), "unchanged"),
        (error.BadRequest("Message to edit not found"), "gone"),
        (error.BadRequest("Message can't be edited"), "gone"),
        (error.BadRequest("There is no text in the message to edit"), "pictured"),
        (error.BadRequest("Query is too old and response timeout expired or query id is invalid"), "stale"),
        (error.BadRequest("Chat not found"), "shut"),
        (error.BadRequest("Not enough rights to send text messages to the chat"), "shut"),
        (error.BadRequest("Can't parse entities: unsupported start tag"), "illegible"),
        (error.NetworkError("Request Entity Too Large"), "illegible"),
        (error.NetworkError("Bad Gateway"), "network"),
        (error.TimedOut(), "network"),
        (error.TelegramError("Invalid server response"), "network"),
        (TimeoutError(), "network"),
    ],
)
def test_each_error_has_its_remedy(raised: Exception, kind: str) -> None:
    assert translate(raised, TOKEN).kind == kind


def test_what_a_remedy_needs_comes_along() -> None:
    flooded = translate(error.RetryAfter(7), TOKEN)
    assert (flooded.kind, flooded.wait_s) == ("flooded", 7)
    assert translate(error.ChatMigrated(-1050), TOKEN).chat_id == -1050


@pytest.mark.parametrize(
    ("cause", "maybe_done"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("no answer"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadTimeout("no answer"), True),
        (httpx.RemoteProtocolError("cut"), True),
        (None, True),
    ],
)
def test_only_what_never_left_was_surely_not_done(cause: Exception | None, maybe_done: bool) -> None:
    raised = error.NetworkError("x")
    raised.__cause__ = cause
    assert translate(raised, TOKEN).maybe_done is maybe_done


@pytest.mark.parametrize(
    "words", [f"POST /bot{TOKEN}/getMe failed", "the secret AAE-stand_in-0123456789abcdefghijkl"]
)
def test_no_text_carries_the_token(words: str) -> None:
    failure = translate(error.NetworkError(words), TOKEN)
    assert "AAE-stand_in" not in failure.text + repr(failure)
    assert "[redacted]" in failure.text
