"""One chat's outbox in virtual time: what fails, what is doubled, and the end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from platforms.telegram.content import Content
from platforms.telegram.failures import FailureError
from platforms.telegram.port import Button
from platforms.telegram.waiting import MOST_WAITING
from tests.fixtures.outbox_bench import GROUP, Bench, make_bench, running


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async for each in running(make_bench()):
        yield each


@pytest.fixture
async def group() -> AsyncIterator[Bench]:
    async for each in running(make_bench(GROUP)):
        yield each


# --- failures --------------------------------------------------------------------------------------------------------


async def test_an_outage_loses_nothing_and_keeps_the_order(bench: Bench) -> None:
    bench.say("a")
    await asyncio.sleep(2)
    bench.wire.down = True
    for key in "bcdef":
        bench.say(key)
        await asyncio.sleep(10)
    bench.say("d", "d again")
    assert bench.lane.failing_since == pytest.approx(2, abs=0.1)
    assert len(bench.lane.waiting) == 5
    bench.wire.down = False
    await asyncio.sleep(60)
    assert bench.wire.acts() == ["a", "b", "c", "d again", "e", "f"]
    assert (bench.lane.failing_since, bench.lane.problem) == (None, "")


async def test_retries_come_less_and_less_often_but_for_ever(bench: Bench) -> None:
    bench.wire.down = True
    bench.say("a")
    await asyncio.sleep(3600)
    assert 60 <= bench.wire.tried <= 70
    await asyncio.sleep(86_400)
    bench.wire.down = False
    await asyncio.sleep(61)
    assert bench.texts == ["a"]


async def test_a_chat_that_is_shut_is_tried_seldom_until_somebody_writes_there(bench: Bench) -> None:
    for _ in range(30):
        bench.wire.fail("shut", "bot was blocked by the user")
    bench.say("a")
    await asyncio.sleep(3600)
    assert bench.wire.tried < 20
    assert bench.lane.problem == "bot was blocked by the user"
    bench.wire.failures.clear()
    bench.lane.seen(90)
    await asyncio.sleep(1)
    assert bench.texts == ["a"]


async def test_content_that_is_refused_becomes_poorer_until_it_passes(bench: Bench) -> None:
    for _ in range(2):
        bench.wire.fail("illegible", "can't parse entities")
    rich = Content("<b>a &amp; b", ((Button("Why", "w"),),), photo=b"chart")
    bench.lane.put("shop", rich)
    await asyncio.sleep(5)
    assert bench.texts == ["a & b"]
    assert {kind for kind, _ in bench.troubles} == {"rejected"}
    bench.lane.put("shop", rich)
    await asyncio.sleep(5)
    assert bench.wire.tried == 3


async def test_a_newer_version_is_not_made_poorer_for_the_older_one(bench: Bench) -> None:
    bench.wire.takes_s = 0.5
    bench.wire.fail("illegible")
    bench.say("shop", "<h1>x</h1>")
    await asyncio.sleep(0.1)
    bench.say("shop", "<b>y</b>")
    await asyncio.sleep(5)
    assert bench.texts == ["<b>y</b>"]


async def test_content_that_never_passes_holds_up_nobody(bench: Bench) -> None:
    for _ in range(4):
        bench.wire.fail("illegible")
    bench.lane.put("bad", Content("x", ((Button("Why", "w"),),), photo=b"chart"))
    bench.say("good")
    await asyncio.sleep(10)
    assert bench.texts == ["good"]
    assert (bench.lane.dropped, bench.told) == (1, ["good"])
    assert bench.troubles[-1] == ("dropped", "Telegram takes a message in no form (bad)")


async def test_the_outbox_is_bounded_and_gives_up_the_oldest_of_what_is_not_urgent(bench: Bench) -> None:
    bench.wire.down = True
    bench.say("fire", urgent=True)
    for n in range(MOST_WAITING + 5):
        bench.say(f"k{n}")
    assert len(bench.lane.waiting) == MOST_WAITING
    assert bench.lane.dropped == 6
    bench.wire.down = False
    await asyncio.sleep(600)
    assert bench.wire.acts()[:2] == ["fire", "k6"]


async def test_a_group_that_moved_is_followed(group: Bench) -> None:
    group.lane.remember("shop", 40)
    group.wire.texts[40] = "another message, for the new chat counts anew"
    group.wire.fail("moved", chat_id=-1050)
    group.say("shop", "down")
    await asyncio.sleep(5)
    assert [(sent.act, sent.chat_id) for sent in group.wire.sent] == [("create", -1050)]
    assert group.troubles[0][0] == "moved"


# --- doubles ---------------------------------------------------------------------------------------------------------


async def test_an_edit_whose_answer_was_lost_is_made_once(bench: Bench) -> None:
    bench.say("shop", "down")
    await asyncio.sleep(2)
    bench.wire.lose()
    bench.say("shop", "up")
    await asyncio.sleep(10)
    assert bench.texts == ["up"]
    assert bench.told == ["shop", "shop"]


async def test_a_message_that_was_sent_twice_is_found_and_taken_away(bench: Bench) -> None:
    bench.say("till")
    await asyncio.sleep(2)
    bench.wire.lose()
    bench.say("shop", "down")
    await asyncio.sleep(10)
    assert bench.wire.texts == {1: "till", 3: "down"}
    assert bench.kept == [("till", 1), ("shop", 3)]


async def test_only_what_may_have_been_created_is_looked_for(bench: Bench) -> None:
    bench.say("till", "down")
    await asyncio.sleep(2)
    bench.wire.lose()
    bench.say("till", "up")
    await asyncio.sleep(5)
    bench.wire.texts[2] = "nothing of ours"
    bench.wire._last_id = 2
    bench.say("shop")
    await asyncio.sleep(5)
    assert bench.texts == ["up", "nothing of ours", "shop"]


async def test_nothing_that_may_be_older_is_taken_for_a_double(bench: Bench) -> None:
    bench.wire._last_id = 50
    bench.wire.texts[50] = "an incident of long ago"
    bench.wire.failures.append(_maybe_done())
    bench.say("shop", "down")
    await asyncio.sleep(10)
    assert bench.wire.texts == {50: "an incident of long ago", 51: "down"}


async def test_what_others_wrote_meanwhile_bounds_the_search_for_doubles(bench: Bench) -> None:
    bench.say("till")
    await asyncio.sleep(2)
    bench.wire.texts[2] = "forgotten"
    bench.wire._last_id = 2
    bench.lane.seen(2)
    bench.wire.failures.append(_maybe_done())
    bench.say("shop", "down")
    await asyncio.sleep(10)
    assert bench.texts == ["till", "forgotten", "down"]


def _maybe_done() -> FailureError:
    return FailureError("network", "no answer", maybe_done=True)


# --- the end ---------------------------------------------------------------------------------------------------------


async def test_an_outbox_is_drained_once_all_is_said_or_nothing_gets_through(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    bench.say("a")
    bench.say("b")
    await bench.lane.drained()
    assert bench.wire.acts() == ["a", "b"]
    bench.wire.down = True
    since = loop.time()
    bench.say("c")
    await bench.lane.drained()
    assert loop.time() - since < 2
