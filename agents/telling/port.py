"""What the notifier asks of others: the ways to people, and what people ask of the daemon."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from analysis.plot import Mark
from platforms.telegram.port import Ears, Messenger

Word = Literal["approve", "deny", "snooze", "undo", "veto"]
Switch = Literal["pause", "resume", "silence"]


class Answer(Protocol):
    """What the act gate said to a person's word, and whether it took it."""

    @property
    def accepted(self) -> bool: ...
    @property
    def answer(self) -> str: ...


class People(Protocol):
    """The one path for words of people, whatever they said them on. Returns only what is durable; never raises for
    what a person did wrong."""

    async def decide(
        self, word: Word, about: str, by: str, typed: str = "", for_s: float = 0.0
    ) -> Answer: ...

    async def switch(self, what: Switch, by: str, service: str = "", for_s: float = 0.0) -> Answer: ...

    def explain(self, incident: str) -> Sequence[str]:
        """What happened and why; `incident` may be a beginning of its id; empty where it is not known."""
        ...

    def services(self) -> Mapping[str, str]:
        """The health of each."""
        ...

    def paused(self) -> Mapping[str, str]:
        """Who paused what; the key "" is everything."""
        ...


class Channel(Protocol):
    """A second way to people, where the first one fails. `send` raises OSError."""

    @property
    def kind(self) -> Literal["webhook", "email"]: ...

    async def send(self, subject: str, text: str, key: str) -> None: ...


Photo = Callable[
    [str, float, Sequence[Mark], float], tuple[bytes, str] | None
]  # of a service, when opened, with marks, now: the picture, and of what


@dataclass
class Contacts:
    """How people are reached. The composition root fills it in before agents run."""

    people: People | None = None
    messenger: Callable[[Ears], Messenger] | None = None
    second: Channel | None = None
    photo: Photo = lambda *_: None
    page: str = ""  # the address under which people find ours
    ailing: Callable[[], str] = lambda: ""  # set by whoever tells

    def why_nobody(self) -> str:
        """Why nobody can be told now; empty while somebody can."""
        return self.ailing()
