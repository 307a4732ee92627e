"""What the notifier remembers, in frozen records: what is open, what stands in which chat, who wants silence."""

from collections.abc import Iterator

from msgspec import Struct, field

HELD_S = 5.0  # before an incident is told: by then its cause is mostly known, and who fails because of it
STEPS = 8
PER_SERVICE = "incident/"


class Question(Struct, frozen=True, gc=False):
    """A question that stands. `confirm` is what the last one has to type."""

    id: str
    fix: str
    service: str
    what: str
    why: str
    risk: str
    expires_wall: float
    persons: int = 1
    given: tuple[str, ...] = ()
    confirm: str = ""


class Step(Struct, frozen=True, gc=False):
    at: float
    kind: str
    text: str


class WayBack(Struct, frozen=True, gc=False):
    """An act that can be taken back."""

    act: str
    fix: str
    words: str


class Story(Struct, frozen=True, omit_defaults=True, gc=False):
    """An incident as people are told it. `part_of` is the incident in whose message it is told."""

    id: str
    key: str  # of its message
    service: str
    opened_at: float
    title: str
    part_of: str = ""
    predicted: str = ""
    cause: str = ""
    blames: str = ""  # another service
    state: str = ""
    question: Question | None = None
    way_back: WayBack | None = None
    steps: tuple[Step, ...] = ()
    escalated: bool = False
    rang_at: float = 0.0  # the newest thing for which people should look; kept by the head
    closed_at: float = 0.0
    outcome: str = ""

    @property
    def urgent(self) -> bool:
        return not self.closed_at and (self.escalated or self.question is not None)


class Prediction(Struct, frozen=True, gc=False):
    id: str
    service: str
    metric: str
    text: str
    at: float
    over_at: float  # by then it has come or will not

    @property
    def key(self) -> str:
        return f"prediction/{self.id}"


class Plan(Struct, frozen=True, gc=False):
    """Maintenance as people are told it: they can say no while it is `open`."""

    plan: str
    service: str
    text: str
    at: float
    state: str = ""
    open: bool = True
    urgent: bool = False

    @property
    def key(self) -> str:
        return f"maintenance/{self.plan}"


class Posted(Struct, frozen=True, gc=False):
    """A message that stands."""

    key: str
    channel: str
    chat: int
    message: int
    at: float


class Silence(Struct, frozen=True, gc=False):
    by: str
    until: float


class News(Struct, frozen=True, gc=False):
    """Something about the daemon itself."""

    text: str
    at: float
    urgent: bool = False


FROZEN = "frozen "  # begins the keys of `State.days` by which people are reminded daily


class State(Struct):
    stories: dict[str, Story] = field(default_factory=dict)  # by incident
    predictions: dict[str, Prediction] = field(default_factory=dict)  # by "SERVICE METRIC"
    plans: dict[str, Plan] = field(default_factory=dict)  # of maintenance
    news: dict[str, News] = field(default_factory=dict)  # by fact; until it is posted
    posted: dict[str, Posted] = field(default_factory=dict)  # by "CHANNEL CHAT KEY"
    silences: dict[str, Silence] = field(default_factory=dict)  # by service; "": all
    reminded: dict[str, float] = field(
        default_factory=dict
    )  # by limit: when it last rang for what it holds back
    counts: dict[str, int] = field(default_factory=dict)  # since the last digest
    days: dict[str, str] = field(default_factory=dict)  # "digest": the day of the last one

    def head(self, story: Story) -> Story:
        """The one in whose message it is told: itself, mostly."""
        seen = {story.id}
        while story.part_of in self.stories and story.part_of not in seen:
            seen.add(story.part_of)
            story = self.stories[story.part_of]
        return story

    def open_ones(self) -> Iterator[Story]:
        return (story for story in self.stories.values() if not story.closed_at)

    def open_of(self, service: str) -> Story | None:
        return next((story for story in self.open_ones() if story.service == service), None)

    def groups(self) -> dict[str, list[Story]]:
        """Stories by the id of their head, the head first."""
        found: dict[str, list[Story]] = {}
        for story in self.stories.values():
            head = self.head(story)
            members = found.setdefault(head.id, [head])
            if story is not head:
                members.append(story)
        return found

    def is_silent(self, service: str, at: float) -> bool:
        return any(
            silence is not None and at < silence.until
            for silence in (self.silences.get(service), self.silences.get(""))
        )
