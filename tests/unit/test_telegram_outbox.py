"""One chat's outbox in virtual time: living messages and pace."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from platforms.telegram.pace import overall
from tests.fixtures.fake_wire import FakeWire
from tests.fixtures.outbox_bench import GROUP, Bench, make_bench, running


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async for each in running(make_bench()):
        yield each


@pytest.fixture
async def group() -> AsyncIterator[Bench]:
    async for each in running(make_bench(GROUP)):
        yield each


# --- living messages -------------------------------------------------------------------------------------------------


async def test_a_key_has_one_message_that_is_edited_in_place(bench: Bench) -> None:
    for text in ("down", "healing", "up"):
        bench.say("shop", text)
        await asyncio.sleep(2)
    assert bench.texts == ["up"]
    assert [sent.act for sent in bench.wire.sent] == ["create", "edit", "edit"]
    assert (bench.kept, bench.told) == ([("shop", 1)], ["shop"] * 3)


async def test_while_it_waits_only_the_newest_version_is_kept_in_its_old_place(bench: Bench) -> None:
    for n in range(100):
        bench.say("shop", f"shop {n}")
        bench.say("till", f"till {n}")
    await asyncio.sleep(10)
    assert bench.wire.acts() == ["shop 99", "till 99"]


async def test_what_is_said_already_is_not_said_again(bench: Bench) -> None:
    for _ in range(3):
        bench.say("shop", "down")
        await asyncio.sleep(2)
    assert bench.wire.tried == 1


async def test_a_version_that_comes_during_a_call_follows_behind_the_others(bench: Bench) -> None:
    bench.wire.takes_s = 0.5
    bench.say("shop", "one")
    await asyncio.sleep(0.1)
    bench.say("till", "till")
    bench.say("shop", "two")
    await asyncio.sleep(5)
    assert bench.wire.acts() == ["one", "till", "two"]
    assert bench.told == ["till", "shop"]


async def test_a_remembered_message_is_edited_after_a_restart(bench: Bench) -> None:
    bench.wire.texts[40] = "down"
    bench.lane.remember("shop", 40)
    bench.say("shop", "up")
    await asyncio.sleep(2)
    assert bench.wire.texts == {40: "up"}


async def test_a_message_that_is_gone_is_made_anew(bench: Bench) -> None:
    bench.lane.remember("shop", 40)
    bench.say("shop", "up")
    await asyncio.sleep(3)
    assert bench.texts == ["up"]
    assert bench.kept == [("shop", 1)]


async def test_not_modified_is_as_good_as_done(bench: Bench) -> None:
    bench.wire.texts[40] = "up"
    bench.lane.remember("shop", 40)
    bench.say("shop", "up")
    await asyncio.sleep(2)
    assert bench.told == ["shop"]


async def test_what_is_forgotten_while_it_waits_is_still_said_in_its_place(bench: Bench) -> None:
    bench.say("shop", "down")
    await asyncio.sleep(2)
    bench.say("shop", "closed")
    bench.lane.forget("shop")
    await asyncio.sleep(2)
    assert bench.texts == ["closed"]
    bench.say("shop", "another incident")
    await asyncio.sleep(2)
    assert bench.texts == ["closed", "another incident"]


async def test_a_key_that_is_used_again_is_not_forgotten(bench: Bench) -> None:
    bench.say("shop", "closed")
    bench.lane.forget("shop")
    bench.say("shop", "open again")
    await asyncio.sleep(2)
    bench.say("shop", "closed again")
    await asyncio.sleep(2)
    assert bench.texts == ["closed again"]


async def test_ringing_sends_anew_and_takes_the_old_message_away(bench: Bench) -> None:
    bench.say("shop", "down")
    await asyncio.sleep(2)
    bench.say("shop", "may I?", ring=True)
    await asyncio.sleep(5)
    bench.say("shop", "done")
    await asyncio.sleep(2)
    assert [sent.act for sent in bench.wire.sent] == ["create", "create", "retire", "edit"]
    assert bench.wire.texts == {2: "done"}
    assert bench.kept == [("shop", 1), ("shop", 2)]


async def test_a_ring_survives_a_failure_and_rings_once(bench: Bench) -> None:
    bench.say("shop", "down")
    await asyncio.sleep(2)
    bench.wire.fail("network")
    bench.say("shop", "may I?", ring=True)
    await asyncio.sleep(20)
    assert [sent.act for sent in bench.wire.sent] == ["create", "create", "retire"]


async def test_what_comes_during_a_ring_does_not_ring_again(bench: Bench) -> None:
    bench.say("shop", "down")
    await asyncio.sleep(2)
    bench.wire.takes_s = 0.5
    bench.say("shop", "may I?", ring=True)
    await asyncio.sleep(0.1)
    bench.say("shop", "done")
    await asyncio.sleep(10)
    assert [sent.act for sent in bench.wire.sent] == ["create", "create", "edit", "retire"]


async def test_an_old_message_that_is_gone_already_is_no_failure(bench: Bench) -> None:
    bench.lane.remember("shop", 40)
    bench.say("shop", "may I?", ring=True)
    await asyncio.sleep(1.5)
    bench.wire.down = True  # what would be tried again would show now
    await asyncio.sleep(60)
    assert (bench.texts, bench.lane.failing_since, bench.wire.tried) == (["may I?"], None, 2)


async def test_a_picture_that_waits_is_kept_by_a_newer_text(bench: Bench) -> None:
    bench.say("shop", "down", photo=b"chart")
    bench.say("shop", "x" * 2000)
    await asyncio.sleep(2)
    assert [len(text) for text in bench.texts] == [1024]


# --- pace ------------------------------------------------------------------------------------------------------------


async def test_one_message_a_second_goes_into_a_chat_in_order(bench: Bench) -> None:
    keys = [f"k{n}" for n in range(30)]
    for key in keys:
        bench.say(key)
    await asyncio.sleep(60)
    assert bench.wire.acts() == keys
    times = [sent.at for sent in bench.wire.sent]
    assert min(b - a for a, b in pairwise(times)) >= 1.0


async def test_a_slow_call_counts_from_its_end(bench: Bench) -> None:
    bench.wire.takes_s = 3.0
    bench.say("a")
    bench.say("b")
    await asyncio.sleep(20)
    assert bench.wire.sent[1].at - bench.wire.sent[0].at >= 4.0


async def test_the_urgent_overtakes_what_is_not(bench: Bench) -> None:
    for n in range(10):
        bench.say(f"k{n}")
    await asyncio.sleep(2.5)
    bench.say("fire", urgent=True)
    bench.say("k9", "k9 burns", urgent=True)
    await asyncio.sleep(60)
    acts = bench.wire.acts()
    assert acts[3:5] == ["fire", "k9 burns"]
    assert acts[5:] == [f"k{n}" for n in range(3, 9)]


async def test_a_group_takes_twenty_a_minute_and_keeps_room_for_the_urgent(group: Bench) -> None:
    for n in range(40):
        group.say(f"k{n}")
    await asyncio.sleep(40)
    assert len(group.wire.sent) == 15
    for n in range(5):
        group.say(f"fire {n}", urgent=True)
    await asyncio.sleep(10)
    assert group.wire.acts()[15:] == [f"fire {n}" for n in range(5)]
    await asyncio.sleep(300)
    times = [sent.at for sent in group.wire.sent]
    assert len(times) == 45
    assert all(b - a >= 60 for a, b in zip(times, times[20:], strict=False))


async def test_thirty_a_second_go_to_all_chats_together() -> None:
    wire, all_chats = FakeWire(), overall()
    benches = [make_bench(chat, all_chats, wire) for chat in range(1, 101)]
    tasks = [asyncio.create_task(bench.lane.run(wire)) for bench in benches]
    for bench in benches:
        bench.say("shop")
    await asyncio.sleep(10)
    times = [sent.at for sent in wire.sent]
    assert len(times) == 100
    assert all(b - a >= 1.0 for a, b in zip(times, times[30:], strict=False))
    for task in tasks:
        task.cancel()


async def test_a_flood_answer_is_waited_for_in_that_chat(bench: Bench) -> None:
    bench.wire.fail("flooded", wait_s=40)
    bench.say("a")
    bench.say("fire", urgent=True)
    await asyncio.sleep(39.9)
    assert (bench.wire.tried, bench.wire.sent) == (1, [])
    await asyncio.sleep(5)
    assert bench.wire.acts() == ["fire", "a"]
