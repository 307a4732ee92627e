"""Our messenger against a stand-in in trouble: outages, floods, lost answers, rivals, and what reaches a log."""

import asyncio
import io
import logging
from contextlib import suppress
from typing import Any

import pytest
from msgspec import Struct
from telegram.error import TelegramError

from platforms.telegram.port import Button
from tests.fixtures.bot_api.standin import StandIn
from tests.integration.telegram.bots import ANN, Notifier, bot_of, messenger_of, running
from utils.structured_logger import configure

pytestmark = pytest.mark.filterwarnings(
    "ignore::telegram.warnings.PTBDeprecationWarning"
)  # retry_after as a number

GROUP = -50
ASK = ((Button("Approve", "yes:1"),),)


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


class Outage(Struct, frozen=True):
    name: str

    async def begin(self, telegram: StandIn) -> None:
        if self.name == "refused":
            await telegram.refuse()
        else:
            telegram.be(self.name)  # type: ignore[arg-type]  # the parameters are troubles

    async def end(self, telegram: StandIn) -> None:
        telegram.be("")
        if self.name == "refused":
            await telegram.listen_again()


@pytest.mark.parametrize("name", ["refused", "reset", "502", "silent"])
async def test_an_outage_of_a_minute_loses_nothing_and_keeps_the_order(
    telegram: StandIn, notifier: Notifier, name: str
) -> None:
    outage = Outage(name)
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("0", "before")
        await asyncio.sleep(3)
        await outage.begin(telegram)
        began = asyncio.get_running_loop().time()
        for n in range(1, 11):
            messenger.put(str(n), f"message {n}", ASK)
            await asyncio.sleep(6)
        messenger.put("3", "message 3, newer")
        health = messenger.health
        assert health.waiting == 10
        assert health.failing_since is not None
        assert began <= health.failing_since <= began + 11
        assert health.deaf_since is not None
        assert health.unreachable == (ANN,)
        await outage.end(telegram)
        await asyncio.sleep(120)
        assert (messenger.health.waiting, messenger.health.failing_since, messenger.health.deaf_since) == (
            0,
            None,
            None,
        )
    expected = ["before", *(f"message {n}" for n in range(1, 11))]
    expected[3] = "message 3, newer"
    assert telegram.texts() == expected
    assert telegram.violations == []


async def test_a_flood_of_messages_meets_no_limit(telegram: StandIn, notifier: Notifier) -> None:
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[ANN, GROUP])) as messenger:
        for n in range(60):
            messenger.put(str(n), f"message {n}")
        await asyncio.sleep(400)
    expected = [f"message {n}" for n in range(60)]
    assert telegram.texts(ANN) == expected
    assert telegram.texts(GROUP) == expected
    assert telegram.flood.refused == 0
    assert telegram.violations == []


async def test_retry_after_is_honoured_for_its_chat_alone(telegram: StandIn, notifier: Notifier) -> None:
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[ANN, GROUP])) as messenger:
        telegram.flood.lock(GROUP, 90)
        messenger.put("a", "a")
        messenger.put("b", "b", urgent=True)
        await asyncio.sleep(10)
        assert (telegram.texts(ANN), telegram.texts(GROUP)) == (["b", "a"], [])
        assert messenger.health.failing_since is None
        assert messenger.health.unreachable == (GROUP,)
        await asyncio.sleep(90)
    assert telegram.texts(GROUP) == ["b", "a"]
    assert telegram.violations == []


async def test_a_message_that_was_sent_twice_for_a_lost_answer_is_taken_away(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("0", "before")
        await asyncio.sleep(3)
        mine = telegram.say("hello", telegram.world.users[ANN])
        await asyncio.sleep(1)
        telegram.lose_answers(2, "sendMessage")
        messenger.put("1", "down", ASK)
        await asyncio.sleep(30)
    assert telegram.texts() == ["before", "down"]
    assert len(telegram.written()) == 4
    assert not mine.deleted
    assert telegram.messages()[-1].id == notifier.kept["1", ANN]
    assert telegram.violations == []


async def test_what_others_write_is_never_taken_for_a_double(telegram: StandIn, notifier: Notifier) -> None:
    telegram.add_group(GROUP, "ops").we_are_admin = True
    async with running(messenger_of(telegram, notifier, chats=[GROUP])) as messenger:
        messenger.put("0", "before")
        await asyncio.sleep(3)
        telegram.lose_answers(1, "sendMessage")
        messenger.put("1", "down", ASK)
        await asyncio.sleep(0.2)
        theirs = telegram.say("is it us?", telegram.world.users[ANN], GROUP)  # no bot sees that
        await asyncio.sleep(30)
    assert telegram.texts(GROUP) == ["before", "down"]
    assert not theirs.deleted


async def test_an_edit_whose_answer_was_lost_is_seen_to_be_done(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("1", "down")
        await asyncio.sleep(3)
        telegram.lose_answers(1, "editMessageText")
        messenger.put("1", "up")
        await asyncio.sleep(10)
    [message] = telegram.messages()
    assert [version.text for version in message.versions] == ["down", "up"]


async def test_updates_whose_answer_was_lost_are_heard_once(telegram: StandIn, notifier: Notifier) -> None:
    async with running(messenger_of(telegram, notifier)):
        await asyncio.sleep(1)
        telegram.lose_answers(3, "getUpdates")
        for n in range(5):
            telegram.say(f"/status {n}", telegram.world.users[ANN])
            await asyncio.sleep(1)
        await asyncio.sleep(60)
    assert [said.rest for said in notifier.heard] == ["0", "1", "2", "3", "4"]  # type: ignore[union-attr]  # all were said


async def test_a_rival_is_reported_once_and_both_go_on(telegram: StandIn, notifier: Notifier) -> None:
    async with bot_of(telegram) as rival, running(messenger_of(telegram, notifier)) as messenger:
        await asyncio.sleep(1)
        for _ in range(10):
            with suppress(TelegramError):
                await rival.get_updates(timeout=10)
            await asyncio.sleep(1)
        assert [trouble.kind for trouble in notifier.troubles] == ["conflict"]
        messenger.put("1", "still talking")
        await asyncio.sleep(60)
        telegram.say("/status", telegram.world.users[ANN])
        await asyncio.sleep(60)
        assert messenger.health.deaf_since is None
    assert telegram.texts() == ["still talking"]
    assert len(notifier.heard) == 1


async def test_a_person_who_blocked_us_holds_up_nobody_and_is_reached_once_they_write(
    telegram: StandIn, notifier: Notifier
) -> None:
    telegram.add_group(GROUP, "ops")
    telegram.block(ANN)
    async with running(messenger_of(telegram, notifier, chats=[ANN, GROUP])) as messenger:
        messenger.put("1", "down")
        await asyncio.sleep(300)
        assert telegram.texts(GROUP) == ["down"]
        assert (messenger.health.unreachable, messenger.health.failing_since) == ((ANN,), None)
        assert "blocked" in messenger.health.problem
        telegram.block(ANN, blocked=False)
        telegram.say("/start", telegram.world.users[ANN])
        await asyncio.sleep(3)
    assert telegram.texts(ANN) == ["down"]


async def test_a_group_that_grew_is_followed_and_its_people_may_press_on(
    telegram: StandIn, notifier: Notifier
) -> None:
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[GROUP], users=[ANN])) as messenger:
        messenger.put("1", "down", ASK)
        await asyncio.sleep(3)
        new_id = telegram.upgrade(GROUP)
        messenger.put("1", "healing", ASK)
        await asyncio.sleep(5)
        telegram.press("Approve", telegram.world.users[ANN], new_id)
        await asyncio.sleep(1)
    assert telegram.texts(new_id) == ["healing"]
    assert len(notifier.heard) == 1
    [trouble] = notifier.troubles
    assert trouble.text == f"the group {GROUP} is {new_id} now: write that into TELEGRAM_CHAT_ID"


async def test_when_it_is_stopped_it_says_what_waits_and_takes_its_leave_in_time(
    telegram: StandIn, notifier: Notifier
) -> None:
    loop = asyncio.get_running_loop()
    async with running(messenger_of(telegram, notifier)) as messenger:
        await asyncio.sleep(1)
        messenger.put("1", "one")
        messenger.put("2", "the daemon stops")
        since = loop.time()
    assert telegram.texts() == ["one", "the daemon stops"]
    assert loop.time() - since < 3


@pytest.mark.parametrize("name", ["silent", "502"])
async def test_an_outage_holds_up_no_stop(telegram: StandIn, notifier: Notifier, name: Any) -> None:
    loop = asyncio.get_running_loop()
    telegram.be(name)
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("1", "one")
        await asyncio.sleep(100)
        since = loop.time()
    assert loop.time() - since < 4.5


# --- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["123456789:AAF-wrong_0123456789abcdefghijklmnop", "short"])
async def test_a_wrong_token_is_told_without_telling_it(
    telegram: StandIn, notifier: Notifier, token: str
) -> None:
    async with running(messenger_of(telegram, notifier, token=token)) as messenger:
        messenger.put("1", "one")
        await asyncio.sleep(100)
        health = messenger.health
    assert [trouble.kind for trouble in notifier.troubles] == ["token"]
    assert health.failing_since is not None
    assert health.waiting == 1
    assert token not in repr((notifier.troubles, health))


async def test_the_token_reaches_no_log_whatever_happens(telegram: StandIn, notifier: Notifier) -> None:
    lines = io.StringIO()
    configure("DEBUG", stream=lines)  # it knows no secrets: nothing must reach it
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    try:
        async with running(messenger_of(telegram, notifier)) as messenger:
            for trouble in ("", "502", "reset", "silent", ""):
                telegram.be(trouble)
                messenger.put("1", f"pelican {trouble}", ASK)
                await asyncio.sleep(60)
            telegram.flood.lock(ANN, 5)
            messenger.put("1", "<h1>refused</h1>")
            telegram.say("/status", telegram.world.users[ANN])
            await asyncio.sleep(60)
        telegram.server._token = "987654321:changed"
        async with running(messenger_of(telegram, notifier)) as messenger:
            messenger.put("2", "two")
            await asyncio.sleep(60)
    finally:
        root.handlers[:], root.level = kept
        configure("WARNING", stream=io.StringIO())
    seen = lines.getvalue() + repr(notifier.troubles) + repr(messenger.health)
    assert telegram.token not in seen
    assert telegram.token.partition(":")[2] not in seen
    assert "redacted" not in seen
    assert "pelican" not in lines.getvalue()
