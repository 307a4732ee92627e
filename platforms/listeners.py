"""Whom to tell of an end: listeners that are forgotten with the object they belong to."""

import inspect
import weakref
from collections.abc import Callable

from platforms.platform import Exit

Listener = Callable[[Exit], None]


class Listeners:
    """A method is held weakly: an agent that was built anew leaves nothing here."""

    def __init__(self) -> None:
        self._held: list[Callable[[], Listener | None]] = []

    def add(self, listener: Listener) -> None:
        self._held = [held for held in self._held if held() is not None]
        self._held.append(weakref.WeakMethod(listener) if inspect.ismethod(listener) else lambda: listener)

    def tell(self, end: Exit) -> None:
        for listener in [found for held in self._held if (found := held()) is not None]:
            listener(end)
