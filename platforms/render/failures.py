"""How calls of Render's API fail, in sentences for people."""

from platforms.platform import PlatformError


class RenderError(PlatformError):
    """Render said no, or could not be asked. `status` is 0 where there was no answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class UncertainError(RenderError):
    """A change was sent and nobody knows whether it was done: look before you repeat it."""


class LostError(Exception):
    """A call ended without an answer; `sent`: Render may have heard it."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent
