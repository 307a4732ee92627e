"""The newest facts of the stream, for a dashboard that may have missed some of them."""

from collections import deque

from dashboard.stream import gap
from dashboard.view import Item

KEPT = 1000


class Tail:
    """Numbers what passes; `after` gives what came behind a number, and says where something is missing."""

    def __init__(self, kept: int = KEPT) -> None:
        self._items: deque[Item] = deque(maxlen=kept)
        self.last = 0

    def add(self, item: Item) -> None:
        self._items.append(item)
        self.last += 1

    def after(self, number: int) -> list[Item]:
        """
        >>> tail = Tail(kept=2)
        >>> for n in range(4): tail.add({"id": str(n)})
        >>> tail.after(3), tail.after(1)
        ([{'id': '3'}], [{'id': '', 'type': 'gap', 'missed': 1}, {'id': '2'}, {'id': '3'}])
        """
        new = self.last - number
        found = list(self._items)[-new:] if new else []
        missed = new - len(found)
        return [gap(missed), *found] if missed and number else found
