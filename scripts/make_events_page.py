"""Writes docs/events.md from the vocabulary itself: every event, its fields, who says it, who listens."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from msgspec import NODEFAULT
from msgspec.structs import fields

from agents import consent, events, household, lessons, upkeep, wellbeing
from agents.agent import Agent, AgentRestarter
from agents.events import Event, Fact, Telemetry
from config.fixes import load_fixes
from config.model import Config
from config.world import World
from scripts.hands import Hands
from scripts.team import team
from utils.event import Event as Base

PAGE = Path(__file__).parent.parent / "docs/events.md"
STAMPED = {field.name for field in fields(Base)}
BORN_OUTSIDE = {
    "ConfigChanged": "operator", "OperatorCommanded": "operator", "EventQuarantined": "runner",
    "StorageChanged": "runner", "SelfTested": "operator", "AlertReceived": "operator", "LeaseChanged": "operator", "DamageFound": "runner", "AgentHealthChanged": "runner",
}  # fmt: skip
HEAD = """# Events

Written by `make docs` from [agents/events.py](../agents/events.py); do not edit.

Every event has `id`, `cause` (the id of the event whose handling produced it), `incident`, `service` and `at` (seconds on
the daemon's steady clock), stamped before anyone sees it. A *fact* stands in the journal; *telemetry* is never kept and
may be lost. Nobody but the one named says an event. "operator" is the command line, the HTTP API and the daemon's own
start and end; "runner" is the machinery that runs the agents. The dashboard and the log see every fact. The values of
`Health`, `Symptom` and `CauseName` stand in [agents/terms.py](../agents/terms.py).
"""


@cache
def known() -> dict[str, type[Event]]:
    """In the order of the story."""
    found = {
        name: kind
        for name, kind in vars(events).items()
        if isinstance(kind, type) and issubclass(kind, Event) and kind not in (Event, Fact, Telemetry)
    }
    return dict(sorted(found.items(), key=lambda item: _place(item[1])))


@cache
def _line(kind: type[Event]) -> int:
    return inspect.getsourcelines(kind)[1]


def _place(kind: type[Event]) -> tuple[int, int]:
    """The line in the story: what is about the daemon itself comes first, consent before an act starts."""
    line = _line(kind)
    before = {
        household.__name__: 0,
        wellbeing.__name__: _line(events.ChangeObserved) - 1,
        consent.__name__: _line(events.FixStarted) - 1,
        upkeep.__name__: _line(events.IncidentOpened) - 1,
        lessons.__name__: _line(events.FaultInjected) - 1,
    }
    module = kind.__module__
    return (before[module], line) if module in before else (line, 0)


def every_agent() -> list[Agent]:
    """Each agent, never run: their hands are not there."""
    world = World(config=Config(), fixes=load_fixes())
    nobody = _Nothing()
    everyone = team(world, cast("Hands", nobody), lambda _: None, cast("AgentRestarter", nobody))
    return [member.build() for member in everyone]


class _Nothing:
    """Stands for hands that nobody uses."""

    def __getattr__(self, _: str) -> Any:
        return _Nothing()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Nothing()


def emitters(name: str, members: list[Agent]) -> list[str]:
    found = [agent.name for agent in members if name in {kind.__name__ for kind in agent.emits}]
    return sorted(found) or [BORN_OUTSIDE[name]]


def consumers(name: str, members: list[Agent]) -> list[str]:
    return sorted(agent.name for agent in members if name in {kind.__name__ for kind in agent.consumes})


def page() -> str:
    parts, members = [HEAD], every_agent()
    for name, kind in known().items():
        base = "Fact" if issubclass(kind, Fact) else "Telemetry"
        said, heard = emitters(name, members), consumers(name, members)
        parts.append(f"## {name}\n")
        about = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
        if about:
            parts.append(f"{about}\n")
        parts.append(
            f"{base} of {_listed(said)}. Heard by {_listed(heard) if heard else 'nobody but people'}.\n"
        )
        if rows := list(_rows(kind)):
            parts.append("| field | type | default | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rows(kind: type[Event]) -> Iterator[str]:
    source = "".join(
        inspect.getsource(each) for each in kind.__mro__ if each.__module__.startswith("agents.")
    )
    for field in fields(kind):
        if field.name in STAMPED:
            continue
        declared = re.search(
            rf"^    {field.name}: ([^=#\n]+?)(?: = [^#\n]+)?(?:  # (.+))?$", source, re.MULTILINE
        )
        assert declared is not None, f"{kind.__name__}.{field.name} is not declared on one line"
        default = "" if field.default is NODEFAULT else f"`{field.default!r}`"
        words = declared[1].replace("|", "\\|"), (declared[2] or "").replace("|", "\\|")
        yield f"| `{field.name}` | `{words[0]}` | {default} | {words[1]} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
