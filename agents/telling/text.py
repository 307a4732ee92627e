"""What messages say, in Telegram's HTML: every word of others is escaped."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from agents.incident.story import plain
from agents.telling.stories import News, Plan, Prediction, Question, Story
from platforms.telegram.port import Button, Buttons

NAMES = 8  # of services that are told by name
MOST_QUESTIONS, MOST_WAYS_BACK, MOST_REPORTS = 5, 3, 5
APPROVE, DENY, SNOOZE, WHY, UNDO, VETO = "a", "d", "s", "w", "u", "v"  # begin the data of buttons
_LONGEST_LINE, _LONGEST_LABEL = 200, 40


def incident_text(members: Sequence[Story], zone: ZoneInfo, picture: str = "", page: str = "") -> str:
    """One message for all of them, the head first; `picture` is the metric that its picture shows, `page` the address
    under which people find ours."""
    head = members[0]
    lines = [f"<b>{escape(head.service)}</b>: {_state(members)}", _cut(head.title)]
    if picture:
        lines.append(f"In the picture: {_cut(picture, 80)}")
    if head.predicted:
        lines.append(f"It was expected: {_cut(head.predicted)}")
    if head.cause:
        lines.append(_cut(head.cause))
    for member in members:
        if member.question is not None:  # above the steps: a picture leaves room for 1024 characters
            lines += _question(member.question, zone)
    over = [member for member in members if member.closed_at][:MOST_REPORTS]
    lines += [_report(member, page, named=len(members) > 1) for member in over]
    if len(members) > 1:
        lines.append(f"With it: {_named(members[1:])}")
    lines += [f"{step.at - head.opened_at:+.1f} s  {_cut(step.text)}" for step in head.steps]
    return "\n".join(lines)


def _report(story: Story, page: str, *, named: bool) -> str:
    """Of one that is over; an address where it is known, else the path."""
    of = f" of {escape(story.service)}" if named else ""
    return f"Report{of}: {escape(page.rstrip('/'))}/reports/{escape(story.id)}"


def incident_buttons(members: Sequence[Story]) -> Buttons:
    """None once all of it is over."""
    if all(member.closed_at for member in members):
        return ()
    asking = [member.question for member in members if member.question is not None][:MOST_QUESTIONS]
    rows = [_asking(question, named=len(asking) > 1) for question in asking]
    last = [Button("Why", f"{WHY}:{members[0].id}")]
    back = [member.way_back for member in members if member.way_back is not None][:MOST_WAYS_BACK]
    last += [Button(f"Undo {way.fix}"[:_LONGEST_LABEL], f"{UNDO}:{way.act}") for way in back]
    return (*rows, tuple(last))


def merged_text(story: Story, head: Story) -> str:
    """For a message that stood before it was known what it belongs to."""
    return f"<b>{escape(story.service)}</b>: told together with <b>{escape(head.service)}</b>, see there"


def prediction_text(prediction: Prediction, *, over: bool) -> str:
    came = "\nThat did not come." if over else ""
    return f"<b>{escape(prediction.service)}</b>: {_cut(prediction.text, 600)}{came}"


def plan_text(plan: Plan) -> str:
    state = f"\n{_cut(plan.state)}" if plan.state else ""
    return f"<b>{escape(plan.service)}</b>: {_cut(plan.text, 600)}{state}"


def plan_buttons(plan: Plan) -> Buttons:
    return ((Button("Veto", f"{VETO}:{plan.plan}"),),) if plan.open else ()


def news_text(news: News) -> str:
    return _cut(news.text, 1000)


def answer_text(lines: Iterable[str]) -> str:
    return "\n".join(escape(plain(line)) for line in lines)


def _state(members: Sequence[Story]) -> str:
    """What people have to know first."""
    head = members[0]
    still = [member for member in members if not member.closed_at]
    if not still:
        return "all is over" if len(members) > 1 else _cut(head.state)
    if any(member.question for member in still):
        return "waits for your word"
    if any(member.escalated for member in still):
        return "needs a person"
    if head.closed_at:
        return f"{_cut(head.state)}; {len(still)} more are not well yet"
    return _cut(head.state) or "being looked at"


def _named(members: Sequence[Story]) -> str:
    ill = [member.service for member in members if not member.closed_at]
    well = len({member.service for member in members} - set(ill))
    names = list(dict.fromkeys(ill))
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    parts = [escape(", ".join(names[:NAMES])) + more] if names else []
    return "; ".join([*parts, f"{well} well again"] if well else parts)


def _question(question: Question, zone: ZoneInfo) -> list[str]:
    until = datetime.fromtimestamp(question.expires_wall, UTC).astimezone(zone)
    lines = [f"<b>May I?</b> {_cut(question.what)}", f"{_cut(question.why)} (risk: {escape(question.risk)})"]
    if question.given:
        lines.append(f"Agreed: {escape(', '.join(question.given))}{_missing(question)}")
    elif question.persons > 1:
        lines.append(f"{question.persons} persons have to agree.")
    return [*lines, f"Answer until {until:%H:%M} {escape(until.tzname() or '')}."]


def _missing(question: Question) -> str:
    if question.confirm:
        word = escape(question.confirm)
        return f"; it cannot be undone: after a minute, reply to this message with <code>{word}</code>"
    return "; one more person has to agree" if question.persons > len(question.given) else ""


def _asking(question: Question, *, named: bool) -> tuple[Button, ...]:
    of = f" {question.service}"[:_LONGEST_LABEL] if named else ""
    return (
        Button(f"Approve{of}", f"{APPROVE}:{question.id}"),
        Button(f"Deny{of}", f"{DENY}:{question.id}"),
        Button("Snooze", f"{SNOOZE}:{question.id}"),
    )


def _cut(text: str, longest: int = _LONGEST_LINE) -> str:
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")
