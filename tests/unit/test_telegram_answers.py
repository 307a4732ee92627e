"""Every press is answered once, in time, whatever else goes wrong."""

import asyncio

import pytest

from platforms.telegram.answers import IN_ITS_PLACE, Answers
from platforms.telegram.failures import FailureError


class Wire:
    def __init__(self) -> None:
        self.sent: list[tuple[float, str, str, bool]] = []
        self.failures: list[FailureError] = []

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((asyncio.get_running_loop().time(), query_id, text, alert))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def answers(wire: Wire) -> Answers:
    made = Answers()
    made.wire = wire
    return made


async def test_the_first_answer_counts(wire: Wire, answers: Answers) -> None:
    answers.expect("q")
    answers.answer("q", "done", alert=True)
    answers.answer("q", "done again")
    await asyncio.sleep(60)
    assert wire.sent == [(0, "q", "done", True)]


async def test_a_press_that_nobody_answers_is_answered_within_ten_seconds(
    wire: Wire, answers: Answers
) -> None:
    answers.expect("q")
    await asyncio.sleep(60)
    answers.answer("q", "too late")
    await asyncio.sleep(1)
    assert wire.sent == [(8, "q", IN_ITS_PLACE, False)]


async def test_a_press_that_comes_twice_is_answered_once(wire: Wire, answers: Answers) -> None:
    answers.expect("q")
    answers.expect("q")
    answers.answer("q")
    answers.expect("q")
    await asyncio.sleep(60)
    assert len(wire.sent) == 1


async def test_a_press_that_comes_again_waits_no_longer(wire: Wire, answers: Answers) -> None:
    answers.expect("q")
    await asyncio.sleep(5)
    answers.expect("q")
    await asyncio.sleep(60)
    assert [at for at, *_ in wire.sent] == [8]


async def test_an_answer_is_tried_again_until_nobody_waits_for_it(wire: Wire, answers: Answers) -> None:
    wire.failures = [FailureError("network", ""), FailureError("flooded", "", wait_s=3)]
    answers.expect("q")
    answers.answer("q", "done")
    await asyncio.sleep(60)
    assert [at for at, *_ in wire.sent] == [4]
    wire.failures = [FailureError("network", "")] * 100
    answers.answer("r", "done")
    await asyncio.sleep(60)
    assert 80 <= len(wire.failures) <= 90


@pytest.mark.parametrize("kind", ["stale", "illegible", "token"])
async def test_an_answer_that_is_refused_is_let_go(wire: Wire, answers: Answers, kind: str) -> None:
    wire.failures = [FailureError(kind, "")]  # type: ignore[arg-type]  # the parameters are kinds
    answers.answer("q")
    await asyncio.sleep(60)
    assert (wire.sent, wire.failures) == ([], [])


async def test_an_answer_to_a_press_of_an_earlier_life_is_tried(wire: Wire, answers: Answers) -> None:
    answers.answer("unknown", "done")
    await asyncio.sleep(1)
    assert len(wire.sent) == 1


async def test_at_the_end_nobody_is_left_waiting(wire: Wire, answers: Answers) -> None:
    answers.expect("q")
    await answers.close(within_s=1)
    assert [text for *_, text, _ in wire.sent] == [IN_ITS_PLACE]
