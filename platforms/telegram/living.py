"""The messages of one chat that stand for a key and are edited in place."""

from collections import OrderedDict
from collections.abc import Iterable

from msgspec import Struct

from platforms.telegram.content import Content

MOST_LIVING = 2000
_LOOK_BELOW = 3  # numbers in which a double is looked for


class Living(Struct):
    """What it shows is unknown after a restart."""

    message_id: int
    shows: int = 0  # hash of the content that was wanted
    pictured: bool = False
    photo: int = 0  # hash of its picture


class LivingMessages:
    def __init__(self) -> None:
        self._of: OrderedDict[str, Living] = OrderedDict()
        self._highest = 0  # number of a message seen in this life of ours

    def get(self, key: str) -> Living | None:
        return self._of.get(key)

    def shows(self, key: str, content: Content) -> bool:
        living = self._of.get(key)
        return living is not None and living.shows == mark(content)

    def remember(self, key: str, message_id: int) -> None:
        self._of.setdefault(key, Living(message_id))

    def forget(self, key: str) -> None:
        self._of.pop(key, None)

    def clear(self) -> None:
        self._of.clear()
        self._highest = 0

    def created(self, key: str, message_id: int, *, pictured: bool) -> Living:
        living = self._of[key] = Living(message_id, pictured=pictured)
        self._of.move_to_end(key)
        while len(self._of) > MOST_LIVING:
            self._of.popitem(last=False)
        self.seen(message_id)
        return living

    def seen(self, message_id: int) -> None:
        """Anybody's message in this chat."""
        self._highest = max(self._highest, message_id)

    def doubles_below(self, message_id: int) -> Iterable[int]:
        """Numbers given after the last message that we know of: one of them may be a double of that one.

        Nothing is guessed before this life of ours has seen a number: it could belong to a message that we forgot.
        """
        lowest = max(self._highest, message_id - 1 - _LOOK_BELOW) if self._highest else message_id
        return range(message_id - 1, lowest, -1)


def mark(content: Content) -> int:
    return hash((content.text, content.buttons, content.photo))
