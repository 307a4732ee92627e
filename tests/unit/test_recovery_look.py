"""The fresh look before anything is touched: when an act is not needed any more."""

from typing import Any

import pytest

from agents.events import FixStarted
from agents.recovering.look import symptom_gone
from agents.recovering.state import Seen
from tests.fixtures.recovery_stage import FakeProber, FakeProcesses, service

LATE = 1_000_000.0
KILL, START = ("kill", "start"), ("start",)


async def gone(
    steps: tuple[str, ...] = KILL, *, lives: bool = True, cause: str = "hang", word: Seen | None = None,
    process_state: str = "S", good: bool = True, **more: Any,
) -> str:  # fmt: skip
    processes, shop = FakeProcesses(), service("shop", **more)
    prober = FakeProber(processes)
    prober.good = lambda _: good
    processes.state["shop"] = process_state
    if lives:
        processes.put("shop", "a")
    act = FixStarted(
        id="act", service="shop", incident="i", fix="f", agent="a", cause_name=cause, culprit="shop", deadline_s=9.0,
        at=LATE,
    )  # fmt: skip
    return await symptom_gone(processes, prober, act, steps, shop, word)


async def test_a_start_is_not_needed_where_it_runs_whatever_its_probe_says() -> None:
    assert await gone(START, good=False) == "it runs again"
    assert await gone(START, lives=False) == ""


async def test_a_good_probe_makes_an_act_needless_and_a_bad_one_does_not() -> None:
    assert await gone() == "its probe is good again"
    assert await gone(good=False) == ""


@pytest.mark.parametrize(
    "told",
    [
        {"lives": False},
        {"probe": None},
        {"cause": "memory_leak"},
        {"process_state": "T"},
        {"word": Seen("healthy", "a", LATE)},
        {"word": Seen("healthy", "a", LATE - 9)},
    ],
)
async def test_where_a_good_probe_says_nothing_the_act_is_done(told: dict[str, Any]) -> None:
    assert await gone(**told) == ""


@pytest.mark.parametrize("word", [Seen("unhealthy", "a", LATE - 9), Seen("healthy", "a", LATE + 1)])
async def test_a_symptom_that_was_seen_before_or_ended_since_can_be_gone(word: Seen) -> None:
    assert await gone(word=word) == "its probe is good again"
