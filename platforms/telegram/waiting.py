"""What waits to be said in one chat: in order, the urgent first, of each key the newest version only, bounded."""

from collections import OrderedDict

from msgspec import Struct
from msgspec.structs import replace

from platforms.telegram.content import Content

MOST_WAITING = 200


class Item(Struct):
    """`content` becomes poorer than what is `wanted` where Telegram refuses it."""

    wanted: Content
    content: Content
    ring: bool = False
    last: bool = False  # its message is forgotten once this is said
    version: int = 0


class Waiting:
    """The head stays in its place while it is being said, so that a failure changes no order."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._urgent: OrderedDict[str, Item] = OrderedDict()
        self._ordinary: OrderedDict[str, Item] = OrderedDict()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ordinary)

    @property
    def any_urgent(self) -> bool:
        return bool(self._urgent)

    def get(self, key: str) -> Item | None:
        return self._urgent.get(key) or self._ordinary.get(key)

    def head(self) -> tuple[str, Item] | None:
        return next(iter((self._urgent or self._ordinary).items()), None)

    def put(self, key: str, content: Content, *, urgent: bool, ring: bool) -> str:
        """The key that had to be given up for it, or nothing."""
        item = self.get(key)
        if item is None:
            item = self._ordinary[key] = Item(content, content)
        elif content.photo is None:
            content = replace(content, photo=item.wanted.photo)  # not shown yet, and still the newest picture
        item.wanted = item.content = content
        item.ring |= ring
        item.last = False
        item.version += 1
        if urgent and key in self._ordinary:
            self._urgent[key] = self._ordinary.pop(key)
        return self._bound()

    def settled(self, key: str, item: Item, version: int) -> bool:
        """That version is done with; a newer one of the same key waits on, behind the others."""
        for queue in (self._urgent, self._ordinary):
            if queue.get(key) is item:
                if item.version == version:
                    del queue[key]
                else:
                    queue.move_to_end(key)
        return item.version == version

    def _bound(self) -> str:
        if len(self) <= self._most:
            return ""
        key, _ = (self._ordinary or self._urgent).popitem(last=False)
        return key
