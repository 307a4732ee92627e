"""What the digest and the messages say of the daemon itself: its drills, and whether it may act."""

from agents.events import Fact, LeaseChanged, SelfTested
from agents.telling.digest import digest_lines
from agents.telling.fold import fold
from agents.telling.stories import State


def after(*facts: Fact) -> State:
    state = State()
    for fact in facts:
        fold(state, fact)
    return state


def test_the_digest_says_that_the_last_drill_passed_and_how_many_did() -> None:
    state = after(
        SelfTested(ok=False, seconds=90.0, step="x"), *(SelfTested(ok=True, seconds=15.0) for _ in range(3))
    )
    assert "the last drill passed; 3 of 4 since the last digest" in digest_lines({}, state)


def test_a_drill_that_gets_stuck_is_told_once_and_urgently() -> None:
    stuck = [
        SelfTested(id=f"d{n}", ok=False, seconds=90.0, step="it came as far as CauseFound") for n in range(3)
    ]
    state = after(*stuck)
    assert [(news.urgent, "it came as far as CauseFound" in news.text) for news in state.news.values()] == [
        (True, True)
    ]
    assert after(SelfTested(id="d", ok=True, seconds=15.0)).news == {}


def test_a_daemon_that_may_not_act_says_so_until_it_may() -> None:
    lost = LeaseChanged(id="l1", held=False, why="another daemon holds the lease")
    assert "this daemon does not act: another daemon holds the lease" in digest_lines({}, after(lost))
    assert not any(
        "does not act" in line for line in digest_lines({}, after(lost, LeaseChanged(id="l2", held=True)))
    )
