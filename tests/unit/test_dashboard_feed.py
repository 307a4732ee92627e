import asyncio
from typing import Any

import pytest

from dashboard.feed.fed_view import FedView, SupersededError, read
from dashboard.feed.requests import FedCommands, Requests
from dashboard.feed.tail import Tail
from dashboard.feed.wire import STALE_S, Answered, Feed, Parts, family, flat, packed
from dashboard.view import CommandRefusedError, UnknownServiceError
from utils.metrics_collector import Family, Histogram, Renderer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def feed(daemon: str = "one", started_at: float = 1.0, *, whole: bool = True, **parts: Any) -> Feed:
    full = {
        "summary": {"overall_health": "healthy", "notices": []},
        "services": [{"name": "a", "health": "healthy"}],
    }
    told = Parts(**((full if whole else {}) | parts))
    return Feed(daemon=daemon, started_at=started_at, whole=whole, ready=True, parts=told)


def names(view: FedView) -> list[str]:
    return [family.name for family in view.families()]


def test_nothing_is_called_healthy_once_the_daemon_is_silent() -> None:
    clock = Clock()
    view = FedView(Requests(), clock)
    assert view.take(feed(families=flat([Family(name="x", kind="gauge", help="", samples=[((), 1.0)])])))
    assert view.ready
    assert view.services()[0]["health"] == "healthy"
    clock.now += STALE_S + 1
    assert not view.ready
    assert view.waits() == "the daemon was last heard 61 s ago"
    assert view.summary()["overall_health"] == "unknown"
    assert view.summary()["notices"] == ["the daemon was last heard 61 s ago: all of this is as old"]
    assert view.services()[0]["health"] == "unknown"
    assert names(view) == ["nightwarden_feed_age_seconds", "nightwarden_feed_up"]
    view.take(feed())
    assert view.summary() == {"overall_health": "healthy", "notices": []}
    assert names(view)[-1] == "x"


def test_parts_that_are_not_told_again_stay_and_a_restarted_dashboard_asks_for_everything() -> None:
    view = FedView(Requests(), Clock())
    assert not view.take(feed(whole=False, services=[]))
    assert view.take(feed())
    assert view.take(feed(whole=False, incidents=[{"id": "i"}]))
    assert view.services()[0]["name"] == "a"
    assert view.incident("i") == {"id": "i"}


def test_of_two_daemons_the_newer_counts_while_it_is_heard() -> None:
    clock = Clock()
    view = FedView(Requests(), clock)
    view.take(feed("old", 1.0))
    view.take(feed("new", 2.0, services=[]))
    with pytest.raises(SupersededError):
        view.take(feed("old", 1.0))
    clock.now += STALE_S + 1
    assert view.take(feed("old", 1.0))
    assert view.is_current("old")


def test_a_fact_that_is_told_again_is_shown_once() -> None:
    view = FedView(Requests(), Clock())
    told = feed()
    told.stream.extend([{"id": "f", "type": "T"}, {"id": "", "type": "gap"}])
    view.take(told)
    view.take(told)
    assert [item["id"] for item in view.stream.recent(10)] == ["", "", "f"]


async def test_metrics_come_through_as_they_were_sent() -> None:
    seconds = Histogram((1.0, float("inf")))
    seconds.observe(0.5)
    sent = [
        Family(name="h", kind="histogram", help="s", histograms=[((), seconds)]),
        Family(name="g", kind="gauge", help="g", labels=("a",), samples=[(("ä",), float("nan"))]),
    ]
    message = packed(feed(families=flat(sent)))
    got = [family(parts) for parts in read(message).parts.families or []]
    assert await Renderer().render(got) == await Renderer().render(sent)


def test_a_reader_who_missed_facts_is_told_how_many() -> None:
    tail = Tail(kept=2)
    for n in range(5):
        tail.add({"id": str(n)})
    assert [item["id"] for item in tail.after(0)] == ["3", "4"]
    assert tail.after(1)[0]["missed"] == 2
    assert tail.after(5) == []


def always(_daemon: str) -> bool:
    return True


async def test_a_command_that_nobody_fetches_is_refused_and_never_handed_out_later() -> None:
    requests = Requests()
    with pytest.raises(CommandRefusedError, match="nothing was done"):
        await FedCommands(requests).pause("api")
    assert await requests.fetch("one", [], 1.0, always) == []


async def test_a_command_is_handed_to_one_life_of_the_daemon_only() -> None:
    requests = Requests()
    asking = asyncio.create_task(FedCommands(requests).stop("shop", "api"))
    [asked] = await requests.fetch("one", [], 1.0, always)
    assert (asked.kind, asked.about) == ("stop", "shop")
    assert await requests.fetch("two", [], 1.0, always) == []
    assert await requests.fetch("one", [asked.id], 1.0, always) == []
    assert await requests.fetch("one", [], 1.0, always) == [asked]  # its first answer was lost on the way
    assert requests.answer(Answered(id=asked.id, outcome="unknown_service"))
    assert not requests.answer(Answered(id=asked.id, outcome="done"))
    with pytest.raises(UnknownServiceError):
        await asking


async def test_a_life_that_is_over_takes_nothing_from_the_one_that_follows() -> None:
    requests = Requests()
    current = "one"
    dead = asyncio.create_task(requests.fetch("one", [], 20.0, lambda daemon: daemon == current))
    await asyncio.sleep(0)
    current = "two"
    asking = asyncio.create_task(FedCommands(requests).decide("approve", "inc", "api"))
    [asked] = await requests.fetch("two", [], 1.0, lambda daemon: daemon == current)
    assert await dead == []
    requests.answer(Answered(id=asked.id, outcome="said", text="no question is open", accepted=False))
    assert (await asking).answer == "no question is open"
