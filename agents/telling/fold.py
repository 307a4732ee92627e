"""How facts are folded into what the notifier remembers."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CauseFound,
    Fact,
    FixApplied,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HarmFound,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    StartRetried,
)
from agents.incident.story import sentence
from agents.telling.house import HOUSE_FOLDS, count
from agents.telling.lines import COMMON_LIMITS, REMINDER_QUIET_S, SHORT_LIMITS
from agents.telling.stories import (
    STEPS,
    Question,
    State,
    Step,
    Story,
    WayBack,
)
from agents.telling.together import joined, ring
from analysis.root_cause import UNKNOWN

KEPT = 500  # stories
CLOSED_S = 3600.0  # for which a closed story can still be put right
REMIND_S = 6 * 3600.0  # of what needs a person
REMIND_MEMBERS_S = 1800.0
LONGEST_STEP = 240
_LEFT_TRACES = ("done", "found_done", "failed")


def fold(state: State, fact: Fact) -> None:
    folds = _FOLDS.get(type(fact))
    if folds is not None:
        folds(state, fact)


# --- incidents -------------------------------------------------------------------------------------------------------


def _opened(state: State, fact: IncidentOpened) -> None:
    _forget_old(state, fact.at)
    announced = [p for p in state.predictions.values() if p.service == fact.service and fact.at <= p.over_at]
    story = Story(
        id=fact.incident,
        key=announced[0].key if announced else f"incident/{fact.incident}",
        service=fact.service,
        opened_at=fact.at,
        title=sentence(fact),
        predicted=announced[0].text if announced else "",
    )
    for known in announced:
        del state.predictions[f"{known.service} {known.metric}"]
    state.stories[fact.incident] = story
    joined(state, story)
    count(state, "incidents")


def _cause(state: State, fact: CauseFound) -> None:
    story = state.stories.get(fact.incident)
    if story is None:
        return
    blames = fact.best.service if fact.best.name != UNKNOWN and fact.best.service != story.service else ""
    state.stories[story.id] = story = replace(story, cause=sentence(fact), blames=blames)
    joined(state, story)


def _closed(state: State, fact: IncidentClosed) -> None:
    story = state.stories.get(fact.incident)
    if story is None:
        return
    count(state, fact.outcome)
    state.stories[story.id] = replace(
        story, closed_at=fact.at, outcome=fact.outcome, state=sentence(fact), question=None, way_back=None
    )


def _escalated(state: State, fact: IncidentEscalated) -> None:
    story = _stepped(state, fact)
    if story is None:
        return
    quiet_s = REMIND_S if story.escalated else 0.0
    if not story.escalated:
        count(state, "escalated")
    state.stories[story.id] = story = replace(story, escalated=True, state=sentence(fact))
    ring(state, story, fact.at, quiet_s, REMIND_MEMBERS_S)


def _retried(state: State, fact: IncidentRetried) -> None:
    _stepped(state, fact)


# --- questions -------------------------------------------------------------------------------------------------------


def _requested(state: State, fact: ApprovalRequested) -> None:
    story = state.stories.get(fact.incident)
    if story is None:
        return
    question = Question(
        fact.id, fact.fix, fact.service, fact.what, fact.why, fact.risk, fact.expires_wall, fact.persons
    )
    state.stories[story.id] = story = replace(story, question=question)
    ring(state, story, fact.at, 0.0)


def _given(state: State, fact: ApprovalGiven) -> None:
    story = _stepped(state, fact)
    if story is not None and story.question is not None and story.question.id == fact.approval:
        given = (*story.question.given, fact.by)
        question = replace(story.question, given=given, confirm=fact.typed if fact.missing else "")
        state.stories[story.id] = replace(story, question=question)


def _answered(state: State, fact: ApprovalDenied | ApprovalExpired) -> None:
    story = _stepped(state, fact)
    if story is not None and story.question is not None and story.question.id == fact.approval:
        state.stories[story.id] = replace(story, question=None)


# --- acts ------------------------------------------------------------------------------------------------------------


def _started(state: State, fact: FixStarted) -> None:
    story = _stepped(state, fact)
    if story is None:
        return
    count(state, "acts")
    asked, back = story.question, story.way_back
    if asked is not None and fact.approval == asked.id:
        asked = None
    if back is not None and fact.undo_of == back.act:
        back = None
    if not story.closed_at:
        state.stories[story.id] = replace(story, state=sentence(fact), question=asked, way_back=back)


def _applied(state: State, fact: FixApplied) -> None:
    story = _stepped(state, fact)
    if story is None or story.closed_at or fact.undo_of or not fact.undo_data:
        return
    if fact.outcome in _LEFT_TRACES:
        state.stories[story.id] = replace(story, way_back=WayBack(fact.cause, fact.fix, fact.undo))


def _refused(state: State, fact: FixRefused) -> None:
    if not fact.reminder and fact.limit in (*SHORT_LIMITS, "approval"):
        return
    story = _stepped(state, fact)
    if story is None or not fact.reminder:
        return
    last = state.reminded.get(fact.limit) if fact.limit in COMMON_LIMITS else None
    if last is None or fact.at - last >= REMINDER_QUIET_S:
        state.reminded[fact.limit] = fact.at
        ring(state, story, fact.at, 0.0)


def _verified(state: State, fact: FixVerified) -> None:
    _stepped(state, fact)


def _failed(state: State, fact: FixFailed) -> None:
    story = _stepped(state, fact)
    if story is not None and fact.harmful:
        ring(state, story, fact.at, 0.0)


def _blamed(state: State, fact: HarmFound) -> None:
    story = _stepped(state, fact)
    if story is not None:
        ring(state, story, fact.at, 0.0)


def _stepped(state: State, fact: Fact) -> Story | None:
    """The same step again is one line; so are the starts of one act."""
    story = state.stories.get(fact.incident)
    if story is None:
        return None
    kind, text = type(fact).__name__, sentence(fact)[:LONGEST_STEP]
    before = [
        step for step in story.steps
        if step.text != text and not (step.kind == kind == StartRetried.__name__)
    ]  # fmt: skip
    steps = (*before, Step(fact.at, kind, text))[-STEPS:]
    state.stories[story.id] = story = replace(story, steps=steps)
    return story


def _forget_old(state: State, at: float) -> None:
    """Closed ones whose whole group is closed for a while; and of more than may be kept, the oldest."""
    for members in state.groups().values():
        if all(m.closed_at and at - m.closed_at > CLOSED_S for m in members):
            for member in members:
                _forget(state, member)
    while len(state.stories) >= KEPT:
        oldest = next((s for s in state.stories.values() if s.closed_at), next(iter(state.stories.values())))
        _forget(state, oldest)
    for key in [key for key, known in state.predictions.items() if at > known.over_at + CLOSED_S]:
        del state.predictions[key]
    for key in [key for key, silence in state.silences.items() if at > silence.until]:
        del state.silences[key]


def _forget(state: State, story: Story) -> None:
    del state.stories[story.id]
    for key in [key for key, posted in state.posted.items() if posted.key == story.key]:
        del state.posted[key]


_FOLDS: dict[type[Fact], Callable[[State, Any], None]] = HOUSE_FOLDS | {
    IncidentOpened: _opened,
    CauseFound: _cause,
    IncidentClosed: _closed,
    IncidentEscalated: _escalated,
    IncidentRetried: _retried,
    ApprovalRequested: _requested,
    ApprovalGiven: _given,
    ApprovalDenied: _answered,
    ApprovalExpired: _answered,
    FixStarted: _started,
    FixApplied: _applied,
    FixRefused: _refused,
    FixVerified: _verified,
    FixFailed: _failed,
    HarmFound: _blamed,
    StartRetried: _verified,
}
