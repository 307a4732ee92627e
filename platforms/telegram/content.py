"""What a message says, and how it says it with less where Telegram does not take all of it."""

from msgspec import Struct
from msgspec.structs import replace

from platforms.telegram.port import Buttons
from platforms.telegram.text import LONGEST_CAPTION, LONGEST_TEXT, cut_plain, fit, plain


class Content(Struct, frozen=True):
    text: str
    buttons: Buttons = ()
    photo: bytes | None = None
    rich: bool = True  # the text is HTML

    def fitting(self, *, caption: bool) -> str:
        """The text, cut where it must be."""
        limit = LONGEST_CAPTION if caption else LONGEST_TEXT
        return fit(self.text, limit) if self.rich else cut_plain(self.text, limit)

    def poorer(self) -> "Content | None":
        """The next best after a refusal: without picture, then without HTML, then without buttons; None after that."""
        if self.photo is not None:
            return replace(self, photo=None)
        if self.rich:
            return replace(self, text=plain(self.text), rich=False)
        return replace(self, buttons=()) if self.buttons else None
