"""What people hear who ask how everything is."""

from collections import Counter

from agents.telling.port import People
from agents.telling.stories import State, Story
from agents.telling.words import COMMANDS

SHOWN = 10


def status_lines(people: People | None, state: State, at: float) -> list[str]:
    health = dict(people.services()) if people else {}
    counted = Counter(health.values())
    lines = [f"{counted.pop('healthy', 0)} of {len(health)} services are healthy"]
    if counted:
        ill = [f"{name} ({how})" for name, how in health.items() if how != "healthy"]
        lines.append(f"not healthy: {', '.join(ill[:SHOWN])}{_more(len(ill))}")
    open_ones = list(state.open_ones())
    many = "1 incident is" if len(open_ones) == 1 else f"{len(open_ones) or 'no'} incidents are"
    lines.append(f"{many} open")
    asking = [story for story in open_ones if story.question is not None]
    if asking:
        lines.append(f"waiting for a word of yours: {', '.join(story.service for story in asking[:SHOWN])}")
    for service, by in (people.paused() if people else {}).items():
        lines.append(f"paused by {by}: {service or 'everything'}")
    lines += [
        f"silent, as {silence.by} asked: {service or 'everything'}"
        for service, silence in state.silences.items()
        if at < silence.until
    ]
    return lines


def incidents_lines(state: State) -> list[str]:
    if not state.stories:
        return ["no incident is open, and none was lately"]
    open_ones = [story for story in state.stories.values() if not story.closed_at]
    closed = [story for story in state.stories.values() if story.closed_at]
    newest = [*reversed(open_ones), *reversed(closed)][:SHOWN]
    return [
        *map(_incident, newest),
        *([_more(len(state.stories)).strip()] if len(state.stories) > SHOWN else []),
    ]


def help_lines() -> list[str]:
    return [f"/{name}: {what}" for name, what in COMMANDS]


def _incident(story: Story) -> str:
    how = "waits for your word" if story.question else story.state or "being looked at"
    return f"{story.id[:8]} {story.service}: {how}"


def _more(count: int) -> str:
    return f" and {count - SHOWN} more" if count > SHOWN else ""
