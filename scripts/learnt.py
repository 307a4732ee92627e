"""What was learnt and changed, for people: lessons, settings, what is normal, from the tables of the agents that learn."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from agents.lessons import LessonLearned
    from dashboard.view import Item


def lesson_items(agent: Callable[[str], Any], text: Callable[[float], str]) -> "list[Item]":
    """Each lesson in force with its evidence; each setting that is not as configured; each decay that was told."""
    told: dict[str, LessonLearned] = agent("adaptive_recovery").state.told
    lessons = [{**_plain(one), "kind": "lesson", "at": text(one.at)} for one in told.values()]
    decays = [
        {**_plain(one), "kind": "decay", "at": text(one.at)}
        for one in agent("performance_learner").state.decays.values()
    ]
    return [*lessons, *decays, *_settings(agent)]


def _settings(agent: Callable[[str], Any]) -> "Iterator[Item]":
    state = agent("system_optimizer").state
    trying = {f"{trial.setting}:{trial.service}" for trial in state.trials.values()}
    for key, value in state.settings.items():
        setting, _, service = key.partition(":")
        how = "is tried" if key in trying else "was kept after a trial"
        yield {
            "kind": "setting",
            "service": service,
            "setting": setting,
            "value": value,
            "why": f"{setting} {value:g} {how}",
        }


def sentences(items: "list[Item]", service: str) -> list[str]:
    return [item["why"] for item in items if item["service"] == service]


def _plain(fact: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(fact)
    return {key: value for key, value in plain.items() if key not in {"type", "id", "cause", "incident"}}
