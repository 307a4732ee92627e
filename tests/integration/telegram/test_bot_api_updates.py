"""Updates, presses, limits and troubles of the stand-in, driven by python-telegram-bot."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest
from telegram import Bot, ReplyParameters
from telegram.error import BadRequest, Conflict, NetworkError, RetryAfter, TimedOut

from tests.fixtures.bot_api.standin import StandIn
from tests.integration.telegram.bots import ANN, bot_of, keyboard

pytestmark = pytest.mark.filterwarnings(
    "ignore::telegram.warnings.PTBDeprecationWarning"
)  # retry_after as a number


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_a_short_burst_passes_and_a_flood_does_not(telegram: StandIn, bot: Bot) -> None:
    for _ in range(5):
        await bot.send_message(ANN, "a")
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(ANN, "a")
    wait_s = caught.value._retry_after.total_seconds()
    assert wait_s == 3
    await asyncio.sleep(wait_s - 0.5)
    with pytest.raises(RetryAfter):
        await bot.send_message(ANN, "a")
    assert len(telegram.violations) == 1
    await asyncio.sleep(1)
    await bot.send_message(ANN, "a")


async def test_one_message_a_second_is_always_allowed(telegram: StandIn, bot: Bot) -> None:
    for n in range(60):
        await bot.send_message(ANN, str(n))
        await asyncio.sleep(1)
    assert len(telegram.messages()) == 60


async def test_a_group_takes_twenty_a_minute_edits_included(telegram: StandIn, bot: Bot) -> None:
    telegram.add_group(-50, "ops")
    sent = await bot.send_message(-50, "a")
    for n in range(19):
        await bot.edit_message_text(str(n), -50, sent.message_id)
        await asyncio.sleep(1)
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(-50, "b")
    assert caught.value._retry_after.total_seconds() == 41
    await asyncio.sleep(41)
    await bot.send_message(-50, "b")


async def test_thirty_a_second_go_to_all_together(telegram: StandIn, bot: Bot) -> None:
    for user in range(100, 131):
        telegram.add_user(user, f"U{user}")
    for user in range(100, 130):
        await bot.send_message(user, "a")
    with pytest.raises(RetryAfter):
        await bot.send_message(130, "a")


# --- updates ---------------------------------------------------------------------------------------------------------


async def test_an_offset_confirms_and_a_poll_waits(telegram: StandIn, bot: Bot) -> None:
    loop = asyncio.get_running_loop()
    telegram.say("/status", telegram.world.users[ANN])
    [first] = await bot.get_updates(timeout=30)
    [again] = await bot.get_updates(timeout=30)
    assert first.update_id == again.update_id
    assert first.message and first.message.text == "/status"
    since = loop.time()
    assert await bot.get_updates(offset=first.update_id + 1, timeout=30) == ()
    assert loop.time() - since == pytest.approx(30, abs=0.1)
    poll = asyncio.create_task(bot.get_updates(offset=first.update_id + 1, timeout=30))
    await asyncio.sleep(5)
    telegram.say("hello", telegram.world.users[ANN])
    [update] = await poll
    assert loop.time() - since == pytest.approx(35, abs=0.1)
    assert update.update_id == first.update_id + 1


async def test_only_allowed_kinds_arrive(telegram: StandIn, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    telegram.say("hello", telegram.world.users[ANN])
    assert await bot.get_updates() == ()


async def test_the_older_of_two_polls_ends_in_a_conflict(telegram: StandIn, bot: Bot) -> None:
    async with bot_of(telegram) as other:
        older = asyncio.create_task(bot.get_updates(timeout=30))
        await asyncio.sleep(1)
        newer = asyncio.create_task(other.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await older
        telegram.say("hello", telegram.world.users[ANN])
        assert len(await newer) == 1
    assert telegram.violations


async def test_a_webhook_excludes_polls_until_it_is_deleted(telegram: StandIn, bot: Bot) -> None:
    telegram.updates.webhook = "https://example.org/hook"
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_in_groups_a_bot_sees_commands_and_replies_to_it_only(telegram: StandIn, bot: Bot) -> None:
    ann, group = telegram.world.users[ANN], telegram.add_group(-50, "ops")
    sent = await bot.send_message(group.id, "a")
    mine = telegram.world.messages[group.id, sent.message_id]
    for text in ("hello", "/status", "/status@other_bot", "/status@Nightwarden_Test_Bot"):
        telegram.say(text, ann, group.id)
    telegram.say("CONFIRM", ann, group.id, reply_to=mine)
    heard = [update.message for update in await bot.get_updates()]
    assert [message and message.text for message in heard] == [
        "/status",
        "/status@Nightwarden_Test_Bot",
        "CONFIRM",
    ]
    assert (
        heard[-1] and heard[-1].reply_to_message and heard[-1].reply_to_message.message_id == sent.message_id
    )


# --- presses ---------------------------------------------------------------------------------------------------------


async def pressed(telegram: StandIn, bot: Bot, **more: Any) -> str:
    telegram.press("Approve", telegram.world.users[ANN], **more)
    update = (await bot.get_updates())[-1]
    assert update.callback_query
    return update.callback_query.id


async def test_a_press_arrives_with_its_message_and_is_answered_once(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(
        ANN, "restart?", reply_markup=keyboard(("Approve", "yes:1"), ("Deny", "no:1"))
    )
    telegram.press("Approve", telegram.world.users[ANN])
    [update] = await bot.get_updates()
    query = update.callback_query
    assert query and query.message
    assert (query.data, query.from_user.id, query.message.message_id) == ("yes:1", ANN, sent.message_id)
    await bot.answer_callback_query(query.id, "done", show_alert=True)
    [asked] = telegram.queries.all.values()
    assert (asked.text, asked.alert) == ("done", True)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query.id)
    assert telegram.violations == [f"query {query.id} was answered twice"]


async def test_an_answer_that_comes_late_is_too_old(telegram: StandIn, bot: Bot) -> None:
    await bot.send_message(ANN, "restart?", reply_markup=keyboard(("Approve", "yes")))
    query = await pressed(telegram, bot)
    await asyncio.sleep(16)
    assert telegram.violations == [f"the press {query} was never answered"]
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query)


async def test_a_button_that_is_not_shown_cannot_be_pressed_but_by_who_saw_it(
    telegram: StandIn, bot: Bot
) -> None:
    sent = await bot.send_message(ANN, "restart?", reply_markup=keyboard(("Approve", "yes")))
    await bot.edit_message_text("done", ANN, sent.message_id)
    with pytest.raises(LookupError):
        telegram.press("Approve", telegram.world.users[ANN])
    assert await pressed(telegram, bot, seen_once=True)


async def test_commands_are_set(telegram: StandIn, bot: Bot) -> None:
    await bot.set_my_commands([("status", "how all services are")])
    assert telegram.methods.commands == {"status": "how all services are"}
    with pytest.raises(BadRequest):
        await bot.set_my_commands([("Not Good", "x")])


# --- troubles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "error"), [("reset", NetworkError), ("502", NetworkError), ("silent", TimedOut)]
)
async def test_troubles_begin_and_end(
    telegram: StandIn, bot: Bot, trouble: Any, error: type[Exception]
) -> None:
    telegram.be(trouble)
    with pytest.raises(error):
        await bot.send_message(ANN, "a")
    telegram.be("")
    await bot.send_message(ANN, "b")
    assert telegram.texts() == ["b"]


async def test_a_closed_port_refuses_and_opens_again(telegram: StandIn, bot: Bot) -> None:
    await telegram.refuse()
    with pytest.raises(NetworkError):  # the connection in hand is cut
        await bot.send_message(ANN, "a")
    with pytest.raises(NetworkError, match="ConnectError"):
        await bot.send_message(ANN, "a")
    await telegram.listen_again()
    await bot.send_message(ANN, "b")
    assert telegram.texts() == ["b"]


async def test_an_act_may_be_done_though_its_answer_is_lost(telegram: StandIn, bot: Bot) -> None:
    telegram.lose_answers(1)
    with pytest.raises(NetworkError):
        await bot.send_message(ANN, "a")
    assert telegram.texts() == ["a"]
    assert telegram.calls[-1].lost
    await bot.send_message(ANN, "a")
    assert telegram.texts() == ["a", "a"]


# --- other ways to ask -----------------------------------------------------------------------------------------------


async def test_json_bodies_are_understood_too(telegram: StandIn) -> None:
    import aiohttp

    body = {
        "chat_id": ANN,
        "text": "a",
        "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
    }
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{telegram.base_url}{telegram.token}/sendMessage", json=body) as response:
            assert (await response.json())["ok"] is True
        async with session.get(
            f"{telegram.base_url}{telegram.token}/sendMessage?chat_id=7&text=b"
        ) as response:
            assert (await response.json())["result"]["text"] == "b"
    assert [message.buttons for message in telegram.messages()] == [[["x"]], []]


def test_it_runs_as_a_program_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.fixtures.bot_api", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        told = json.loads(program.stdout.readline())
        at = f"http://127.0.0.1:{told['port']}"
        send = f"{told['base_url']}{told['token']}/sendMessage?chat_id={told['chat_id']}&text=hello"
        assert json.load(urllib.request.urlopen(send))["ok"]
        asked = urllib.request.Request(
            f"{at}/people/say", json.dumps({"text": "/status", "user": 7}).encode()
        )
        urllib.request.urlopen(asked)
        updates = json.load(urllib.request.urlopen(f"{told['base_url']}{told['token']}/getUpdates"))
        assert updates["result"][0]["message"]["text"] == "/status"
        assert json.load(urllib.request.urlopen(f"{at}/messages"))[0]["text"] == "hello"
        since = time.monotonic()
        program.terminate()
        assert program.wait(5) == 0
        assert time.monotonic() - since < 3


async def test_a_reply_parameter_is_ignored_without_harm(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "a")
    await bot.send_message(ANN, "b", reply_parameters=ReplyParameters(sent.message_id))
    assert telegram.texts() == ["a", "b"]
