"""Inbox and ring: order within a lane, bounds, drops that are counted."""

from agents.events import FileDamaged, ProbeObserved, Tick
from utils.bus import LANE_IN_MEMORY, Inbox, Ring
from utils.event import Fact


def fact(n: int) -> FileDamaged:
    return FileDamaged(id=f"f{n}", path=str(n), problem="x")


def no_fetch(position: int, fact_id: str) -> Fact:
    raise AssertionError(f"{fact_id} at {position} should have been in memory")


def test_the_oldest_fact_whose_lane_is_free_comes_first() -> None:
    inbox = Inbox(no_fetch)
    for n, lane in enumerate("aab"):
        inbox.offer(n, 0, lane, fact(n))
    first, second = inbox.take(), inbox.take()
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == ("f0", "f2")
    assert inbox.take() is None
    inbox.done(first)
    third = inbox.take()
    assert third is not None
    assert third.id == "f1"


def test_a_fact_given_back_stays_at_the_head_of_its_lane() -> None:
    inbox = Inbox(no_fetch)
    inbox.offer(1, 0, "a", fact(1))
    inbox.offer(2, 0, "a", fact(2))
    item = inbox.take()
    assert item is not None
    inbox.give_back(item)
    assert inbox.take() is item
    assert inbox.unhandled() == {"f1": 1, "f2": 2}


def test_bodies_behind_a_long_lane_wait_in_the_journal() -> None:
    asked: list[int] = []

    def fetch(position: int, fact_id: str) -> Fact:
        asked.append(position)
        return fact(int(fact_id[1:]))

    inbox = Inbox(fetch)
    for n in range(LANE_IN_MEMORY + 3):
        inbox.offer(n, 0, "a", fact(n))
    seen = []
    while (item := inbox.take()) is not None:
        assert item.fact is not None
        seen.append(item.fact.id)
        inbox.done(item)
    assert seen == [f"f{n}" for n in range(LANE_IN_MEMORY + 3)]
    assert asked == [LANE_IN_MEMORY, LANE_IN_MEMORY + 1, LANE_IN_MEMORY + 2]


def test_a_slow_reader_loses_the_oldest_and_knows_how_many_and_others_lose_nothing() -> None:
    ring = Ring(capacity=10)
    slow, quick = Inbox(no_fetch), Inbox(no_fetch)
    slow.subscribe(ring)
    quick.subscribe(ring)
    got = []
    for n in range(100):
        ring.extend([ProbeObserved(ok=True, service=str(n))])
        got += [event.service for batch in quick.samples() for event in batch]
    assert got == [str(n) for n in range(100)]
    [late] = slow.samples()
    assert [event.service for event in late] == [str(n) for n in range(100 - len(late), 100)]
    assert slow.dropped == 100 - len(late)
    assert quick.dropped == 0


async def test_telemetry_wakes_a_sleeper() -> None:
    ring, inbox = Ring(), Inbox(no_fetch)
    inbox.subscribe(ring)
    waiter = inbox.sleep()
    assert waiter is not None
    ring.extend([Tick()])
    await waiter
    assert inbox.sleep() is None


def test_an_inbox_that_let_go_reads_nothing_more() -> None:
    ring, inbox = Ring(), Inbox(no_fetch)
    inbox.subscribe(ring)
    inbox.unsubscribe()
    ring.extend([Tick()])
    assert inbox.samples() == []
    assert ring.readers == []
