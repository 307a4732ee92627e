"""What the notifier asks of a messenger, and what it hears from it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, Protocol

from msgspec import Struct

MOST_DATA_BYTES = 64


class Button(Struct, frozen=True):
    """`data` comes back in the Press; anybody in the chat can send any data, so it is a name to look up and no command."""

    text: str
    data: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.data.encode()) <= MOST_DATA_BYTES:
            raise ValueError(
                f"the button {self.text!r} needs 1 to {MOST_DATA_BYTES} bytes of data: {self.data!r}"
            )
        if not self.text.strip():
            raise ValueError(f"the button with the data {self.data!r} needs a text")


Buttons = tuple[tuple[Button, ...], ...]  # rows


class Press(Struct, frozen=True):
    """A button was pressed, by a person and in a chat that are both allowed. It may come twice, late, or after a restart."""

    query_id: str
    data: str
    user_id: int
    user_name: str
    chat_id: int
    message_id: int


class Said(Struct, frozen=True):
    """Somebody allowed wrote in a chat that is allowed; in groups only commands and replies to us are heard."""

    text: str
    user_id: int
    user_name: str
    chat_id: int
    message_id: int
    reply_to: int = 0

    @property
    def command(self) -> str:
        """`/pause@our_bot shop` is the command `pause`; empty where it is none."""
        word = self.text.split(maxsplit=1)[0] if self.text.strip() else ""
        return word[1:].partition("@")[0].lower() if word.startswith("/") else ""

    @property
    def rest(self) -> str:
        """What follows the command."""
        return [*self.text.split(maxsplit=1), ""][1].strip() if self.text.strip() else ""


TroubleKind = Literal["conflict", "foreign", "rejected", "dropped", "moved", "token", "handler"]


class Trouble(Struct, frozen=True):
    """Something that people should know; a sentence without secrets. Repetitions are held back."""

    kind: TroubleKind
    text: str


class Health(Struct, frozen=True):
    """Times are by the clock that the messenger was given."""

    last_ok_at: float | None  # the last call that the other side answered
    waiting: int  # messages not yet seen by everybody who should
    failing_since: float | None  # nobody has been reached since; None while any chat can be
    unreachable: tuple[int, ...]  # chats that cannot be reached now
    deaf_since: float | None  # nobody has been heard since: presses do not arrive
    problem: str  # the last failure in one line
    dropped: int  # messages given up since the start


class Ears(Struct, frozen=True):
    """The notifier's side. `heard` is awaited before the next update is taken; it may raise."""

    heard: Callable[[Press | Said], Awaitable[None]]
    kept: Callable[[str, int, int], None] = lambda _key, _chat, _message: None
    told: Callable[[str, int], None] = lambda _key, _chat: None
    report: Callable[[Trouble], None] = lambda _: None


class Messenger(Protocol):
    def put(
        self,
        key: str,
        text: str,
        buttons: Buttons = (),
        *,
        urgent: bool = False,
        photo: bytes | None = None,
        ring: bool = False,
        only: int = 0,
    ) -> None:
        """Make the living message of `key` say this, in every chat: created once, edited in place from then on.

        `only` names one chat; 0 is every chat.

        `text` is Telegram's HTML with every foreign word escaped. While it waits, only the newest version is kept.
        `urgent` overtakes all that is not. A picture stays until another one comes, and leaves room for 1024 characters.
        An edit makes no sound: `ring` sends the message anew, at the end of the chat, and takes the old one away.
        """
        ...

    def remember(self, ids: Iterable[tuple[str, int, int]]) -> None:
        """After a restart: what `kept` was told, as (key, chat, message)."""
        ...

    def allow(self, users: Iterable[int]) -> None:
        """Who may press and command from now on; nobody named: those whose private chats are told."""
        ...

    def forget(self, key: str) -> None:
        """Nothing will be said of this any more. The message stays as it is."""
        ...

    def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> None:
        """Show who pressed a line, or with `alert` a window to close. Only the first answer counts."""
        ...

    @property
    def health(self) -> Health: ...

    async def run(self) -> None: ...
