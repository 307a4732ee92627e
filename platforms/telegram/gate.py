"""Who may press and command: a list of chats and a list of people, both asked every time."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable

from platforms.telegram.port import Press, Said

REFUSAL = "You are not among those who may do this here."


class Gate:
    """Without a list of people, it is those whose private chats are on the list of chats."""

    def __init__(self, chats: Iterable[int], users: Iterable[int] = ()) -> None:
        self._chats = set(chats)
        self.allow(users)

    def allow(self, users: Iterable[int]) -> None:
        """From now on."""
        self._users = frozenset(users) or frozenset(chat for chat in self._chats if chat > 0)

    def admits(self, heard: Press | Said) -> bool:
        return heard.chat_id in self._chats and heard.user_id in self._users

    def knows(self, chat_id: int) -> bool:
        return chat_id in self._chats

    def follow(self, chat_id: int) -> None:
        """A group of ours has this id now."""
        self._chats.add(chat_id)


def stranger(heard: Press | Said) -> str:
    """For the people who could put them on the lists."""
    what = "pressed a button" if isinstance(heard, Press) else "wrote"
    return f"{heard.user_name} (user {heard.user_id}) {what} in chat {heard.chat_id}, which is not allowed"


class Once:
    """Holds repetitions back for a while. Times are loop time."""

    def __init__(self, quiet_s: float, most: int = 500) -> None:
        self._quiet_s = quiet_s
        self._most = most
        self._last: OrderedDict[Hashable, float] = OrderedDict()

    def first(self, what: Hashable, now: float) -> bool:
        last = self._last.get(what)
        if last is not None and now - last < self._quiet_s:
            return False
        self._last[what] = now
        self._last.move_to_end(what)
        while len(self._last) > self._most:
            self._last.popitem(last=False)
        return True
