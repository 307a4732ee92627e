"""Says what the notifier remembers: puts each message that is new or has changed, rings where people should look."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from agents.events import FixStarted
from agents.telling.port import Photo
from agents.telling.stories import HELD_S, State, Story
from agents.telling.text import (
    incident_buttons,
    incident_text,
    merged_text,
    news_text,
    plan_buttons,
    plan_text,
    prediction_text,
)
from analysis.plot import Mark
from platforms.telegram.port import Buttons, Messenger


class Message(Struct, frozen=True):
    """`due`: it is told even if nothing of it stands yet."""

    key: str
    text: str
    buttons: Buttons = ()
    urgent: bool = False
    rang_at: float = 0.0
    due: bool = True
    photo: bytes | None = None


class Speaker:
    """Of one life of the notifier: what it put is forgotten with it, what stands is in the state."""

    def __init__(
        self, messenger: Messenger, state: State, zone: ZoneInfo, photo: Photo, page: str = ""
    ) -> None:
        self._messenger = messenger
        self._photo, self._page = photo, page
        self._shows: dict[str, str] = {}  # by incident: the metric of its picture
        self._pictured: dict[str, bool] = {}  # by incident: whether its last picture shows the end
        self._zone = zone
        self._shown: dict[
            str, tuple[object, ...]
        ] = {}  # of what each message was made; another one is another text
        self._rung: dict[str, float] = {}  # when each message that stands was new, or was last sent anew
        self.waiting: dict[str, tuple[float, Message]] = {}  # urgent, and seen by nobody so far: since when
        known = [posted for posted in state.posted.values() if posted.channel == "telegram"]
        for posted in known:
            self._rung[posted.key] = max(posted.at, self._rung.get(posted.key, 0.0))
        messenger.remember((posted.key, posted.chat, posted.message) for posted in known)

    def speak(self, state: State, at: float) -> None:
        for made_of, message in self._news(state, at):
            if message.due or message.key in self._rung:
                self._shown[message.key] = made_of
                self._put(message, at)
        if len(self._shown) > 4 * (
            len(state.stories) + len(state.predictions) + len(state.plans) + len(state.news) + 50
        ):
            self._forget(state)

    def is_waiting(self, state: State) -> bool:
        """Whether something is to be said when time has passed, though nothing happens."""
        held = (not story.closed_at and story.key not in self._rung for story in state.stories.values())
        return bool(self.waiting or state.predictions) or any(held)

    def told(self, key: str) -> None:
        """Somebody has the newest version of it before their eyes."""
        self.waiting.pop(key, None)

    def _put(self, message: Message, at: float) -> None:
        key = message.key
        stands = key in self._rung
        ring = stands and message.rang_at > self._rung[key]
        if ring or not stands:
            self._rung[key] = at
        if not message.urgent:
            self.waiting.pop(key, None)
        elif ring or not stands or key in self.waiting:
            self.waiting[key] = (self.waiting.get(key, (at, message))[0], message)
        self._messenger.put(
            key, message.text, message.buttons, urgent=message.urgent, photo=message.photo, ring=ring
        )

    def _news(self, state: State, at: float) -> Iterator[tuple[tuple[object, ...], Message]]:
        for members in state.groups().values():
            yield from self._incident(state, members, at)
        for prediction in tuple(state.predictions.values()):
            over = at > prediction.over_at
            if not self._is_shown(prediction.key, made_of := (prediction, over)):
                due = (
                    at >= prediction.at + HELD_S and not over and not state.is_silent(prediction.service, at)
                )
                yield made_of, Message(prediction.key, prediction_text(prediction, over=over), due=due)
        for plan in tuple(state.plans.values()):
            if not self._is_shown(plan.key, (plan,)):
                due = plan.open and (plan.urgent or not state.is_silent(plan.service, at))
                yield (
                    (plan,),
                    Message(
                        plan.key, plan_text(plan), plan_buttons(plan), plan.urgent and plan.open, due=due
                    ),
                )
        for fact, news in tuple(state.news.items()):
            if not self._is_shown(key := f"news/{fact}", (news,)):
                yield (news,), Message(key, news_text(news), urgent=news.urgent)

    def _incident(
        self, state: State, members: Sequence[Story], at: float
    ) -> Iterator[tuple[tuple[object, ...], Message]]:
        head, made_of = members[0], tuple(members)
        if not self._is_shown(head.key, made_of):
            urgent = any(member.urgent for member in members)
            due = urgent or (at >= head.opened_at + HELD_S and _is_heard(state, members, at))
            if due or head.key in self._rung:
                photo = self._picture(head, at)
                shows = self._shows.get(head.id, "")
                text, buttons = (
                    incident_text(members, self._zone, shows, self._page),
                    incident_buttons(members),
                )
                yield made_of, Message(head.key, text, buttons, urgent, head.rang_at, due, photo)
        for member in members[1:]:
            if member.key in self._rung and not self._is_shown(member.key, (head.id,)):
                yield (head.id,), Message(member.key, merged_text(member, head), due=False)

    def _picture(self, head: Story, at: float) -> bytes | None:
        """One when it is told, and one that shows the end."""
        ended = bool(head.closed_at)
        if self._pictured.get(head.id) is ended:
            return None
        self._pictured[head.id] = ended
        marks = [Mark(head.opened_at, "bad")]
        marks += [Mark(step.at, "act") for step in head.steps if step.kind == FixStarted.__name__]
        marks += [Mark(head.closed_at, "good")] if ended else []
        picture = self._photo(head.service, head.opened_at, marks, at)
        if picture is None:
            return None
        png, self._shows[head.id] = picture
        return png

    def _is_shown(self, key: str, made_of: tuple[object, ...]) -> bool:
        """The very same objects: a change replaces them."""
        shown = self._shown.get(key, ())
        return len(shown) == len(made_of) and all(
            old is new or (isinstance(new, str | bool) and old == new)
            for old, new in zip(shown, made_of, strict=True)
        )

    def _forget(self, state: State) -> None:
        """What is in the state no more will never change again."""
        keys = {story.key for story in state.stories.values()} | {f"news/{fact}" for fact in state.news}
        keys |= {plan.key for plan in state.plans.values()}
        keys |= {prediction.key for prediction in state.predictions.values()}
        for key in self._shown.keys() - keys:
            del self._shown[key]
            self._pictured.pop(key.removeprefix("incident/"), None)
            self._shows.pop(key.removeprefix("incident/"), None)
            self._rung.pop(key, None)
            self.waiting.pop(key, None)
            self._messenger.forget(key)


def _is_heard(state: State, members: Sequence[Story], at: float) -> bool:
    """Whether anybody wants to hear of one of them; of what is over, whether they wanted to then."""
    return any(not state.is_silent(member.service, member.closed_at or at) for member in members)
