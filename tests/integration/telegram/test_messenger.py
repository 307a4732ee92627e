"""Our messenger against the stand-in: living messages, presses, commands, and who may."""

import asyncio

import pytest

from platforms.telegram.port import Button, Press, Said
from tests.fixtures.bot_api.standin import StandIn
from tests.fixtures.pictures import png
from tests.integration.telegram.bots import ANN, Notifier, messenger_of, running
from utils.redact import Redactor

GROUP = -50
ASK = ((Button("Approve", "yes:1"), Button("Deny", "no:1")), (Button("Why", "why:1"),))


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


async def test_a_living_message_goes_to_every_chat_and_is_edited_in_place(
    telegram: StandIn, notifier: Notifier
) -> None:
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[ANN, GROUP])) as messenger:
        messenger.put("incident/1", "<b>shop</b> is down &amp; out", ASK, urgent=True)
        await asyncio.sleep(3)
        messenger.put("incident/1", "<b>shop</b> is up")
        await asyncio.sleep(3)
    for chat in (ANN, GROUP):
        [message] = telegram.messages(chat)
        assert [version.text for version in message.versions] == ["shop is down & out", "shop is up"]
        assert message.versions[0].buttons[1][0] == {"text": "Why", "callback_data": "why:1"}
        assert message.buttons == []
    assert notifier.kept == {("incident/1", ANN): 1, ("incident/1", GROUP): 2}
    assert len(notifier.told) == 4
    assert telegram.violations == []


async def test_after_a_restart_the_same_message_is_edited_even_with_a_picture(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "down", photo=png())
        await asyncio.sleep(3)
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.remember(notifier.ids())
        messenger.put("incident/1", "up")
        await asyncio.sleep(3)
    [message] = telegram.messages()
    assert (message.text, message.now.photo) == ("up", png())
    assert telegram.violations == []


async def test_a_picture_joins_a_message_and_another_takes_its_place(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        for text, photo in (
            ("down", None),
            ("chart", png()),
            ("same", png()),
            ("text", None),
            ("new", png(4, 4)),
        ):
            messenger.put("incident/1", text, ASK, photo=photo)
            await asyncio.sleep(3)
    [message] = telegram.messages()
    assert [version.text for version in message.versions] == ["down", "chart", "same", "text", "new"]
    assert [len(version.photo) for version in message.versions] == [0, *[len(png())] * 3, len(png(4, 4))]
    assert (telegram.count("editMessageMedia"), telegram.count("editMessageText")) == (2, 0)
    assert telegram.violations == []


async def test_long_texts_are_cut_inside_their_tags(telegram: StandIn, notifier: Notifier) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("a", "<b>" + "&lt;" * 5000 + "</b>")
        messenger.put("b", "<i>" + "\N{FIRE}" * 5000 + "</i>", photo=png())
        await asyncio.sleep(5)
    assert telegram.texts() == ["<" * 4095 + "…", "\N{FIRE}" * 511 + "…"]
    assert telegram.violations == []


async def test_html_that_is_refused_is_said_in_plain_words(telegram: StandIn, notifier: Notifier) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("a", "<h1>shop</h1> is down", ASK)
        await asyncio.sleep(5)
    assert telegram.texts() == ["shop is down"]
    assert telegram.messages()[0].buttons == [["Approve", "Deny"], ["Why"]]
    assert [trouble.kind for trouble in notifier.troubles] == ["rejected"]


async def test_a_message_that_rings_is_new_and_the_old_one_goes(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "down", ASK)
        await asyncio.sleep(3)
        messenger.put("incident/1", "may I?", ASK, ring=True, urgent=True)
        await asyncio.sleep(5)
    assert telegram.texts() == ["may I?"]
    assert [message.deleted for message in telegram.written()] == [True, False]
    assert telegram.violations == []


async def test_an_empty_message_is_a_mistake_of_the_caller(telegram: StandIn, notifier: Notifier) -> None:
    with pytest.raises(ValueError, match="needs a text"):
        messenger_of(telegram, notifier).put("a", "  ")


# --- presses and commands --------------------------------------------------------------------------------------------


async def test_a_press_arrives_and_is_answered(telegram: StandIn, notifier: Notifier) -> None:
    ann = telegram.world.users[ANN]
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
        query = telegram.press("Approve", ann)
        await asyncio.sleep(1)
        [press] = notifier.heard
        assert press == Press(query.id, "yes:1", ANN, "@ann", ANN, 1)
        messenger.answer(query.id, "on it", alert=True)
        await asyncio.sleep(1)
    assert (query.text, query.alert) == ("on it", True)
    assert telegram.violations == []


async def test_a_press_whose_handler_says_nothing_is_answered_in_its_place(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
        query = telegram.press("Approve", telegram.world.users[ANN])
        await asyncio.sleep(30)
    assert query.answered_at is not None
    assert query.answered_at - query.at < 10
    assert telegram.violations == []


async def test_a_press_made_while_nobody_listened_is_heard_late_and_its_answer_is_let_go(
    telegram: StandIn, notifier: Notifier
) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
    query = telegram.press("Approve", telegram.world.users[ANN])
    await asyncio.sleep(600)
    async with running(messenger_of(telegram, notifier)) as messenger:
        await asyncio.sleep(3)
        messenger.answer(query.id, "too late")
        await asyncio.sleep(3)
        assert messenger.health.deaf_since is None
    assert [press.query_id for press in notifier.heard if isinstance(press, Press)] == [query.id]


async def test_a_press_is_heard_once_over_a_restart(telegram: StandIn, notifier: Notifier) -> None:
    async with running(messenger_of(telegram, notifier)) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
        telegram.press("Approve", telegram.world.users[ANN])
        await asyncio.sleep(0.5)
    assert telegram.updates.unconfirmed == 0
    async with running(messenger_of(telegram, notifier)):
        await asyncio.sleep(3)
    assert len(notifier.heard) == 1
    assert telegram.violations == []


async def test_what_is_in_hand_at_the_end_comes_again_and_what_was_handled_does_not(
    telegram: StandIn, notifier: Notifier
) -> None:
    ann, hear = telegram.world.users[ANN], notifier.hear

    async def hesitate(what: Press | Said) -> None:
        await asyncio.sleep(5)
        await hear(what)

    notifier.hear = hesitate  # type: ignore[method-assign]  # slower than it was
    telegram.say("/one", ann)
    telegram.say("/two", ann)
    async with running(messenger_of(telegram, notifier)):
        await asyncio.sleep(7)
    notifier.hear = hear  # type: ignore[method-assign]  # as it was
    async with running(messenger_of(telegram, notifier)):
        await asyncio.sleep(3)
    assert [said.command for said in notifier.heard if isinstance(said, Said)] == ["one", "two"]


async def test_what_leaves_us_passes_the_redactor(telegram: StandIn, notifier: Notifier) -> None:
    hide = Redactor(["hunter2!"])
    async with running(messenger_of(telegram, notifier, redact=hide)) as messenger:
        messenger.put("1", "login with hunter2! failed", ASK)
        await asyncio.sleep(3)
        query = telegram.press("Approve", telegram.world.users[ANN])
        await asyncio.sleep(1)
        messenger.answer(query.id, "used hunter2!")
        await asyncio.sleep(1)
    assert (telegram.texts(), query.text) == (["login with [redacted] failed"], "used [redacted]")


async def test_commands_are_offered_and_heard(telegram: StandIn, notifier: Notifier) -> None:
    commands = [("status", "how all services are"), ("pause", "act no more")]
    async with running(messenger_of(telegram, notifier, commands=commands)):
        await asyncio.sleep(1)
        telegram.say("/pause@nightwarden_test_bot shop", telegram.world.users[ANN])
        await asyncio.sleep(1)
    assert telegram.methods.commands == dict(commands)
    [said] = notifier.heard
    assert isinstance(said, Said)
    assert (said.command, said.rest, said.user_id) == ("pause", "shop", ANN)


async def test_a_webhook_of_the_past_keeps_nothing_from_us(telegram: StandIn, notifier: Notifier) -> None:
    telegram.updates.webhook = "https://example.org/"
    async with running(messenger_of(telegram, notifier)):
        await asyncio.sleep(1)
        telegram.say("/status", telegram.world.users[ANN])
        await asyncio.sleep(1)
    assert len(notifier.heard) == 1


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_strangers_are_refused_and_reported_and_nothing_they_do_is_heard(
    telegram: StandIn, notifier: Notifier
) -> None:
    eve = telegram.add_user(666, "Eve")
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[GROUP], users=[ANN])) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
        query = telegram.press("Approve", eve, GROUP)
        for _ in range(20):
            telegram.say("/pause", eve)
            telegram.say("/pause", eve, GROUP)
        await asyncio.sleep(30)
    assert notifier.heard == []
    assert (query.text, query.alert) == ("You are not among those who may do this here.", True)
    assert telegram.texts(eve.id) == ["You are not among those who may do this here."]
    assert len(telegram.texts(GROUP)) == 2
    assert sorted(trouble.text for trouble in notifier.troubles) == [
        "@eve (user 666) pressed a button in chat -50, which is not allowed",
        "@eve (user 666) wrote in chat -50, which is not allowed",
        "@eve (user 666) wrote in chat 666, which is not allowed",
    ]
    assert telegram.violations == []


async def test_in_a_group_those_may_press_who_were_named(telegram: StandIn, notifier: Notifier) -> None:
    telegram.add_group(GROUP, "ops")
    async with running(messenger_of(telegram, notifier, chats=[GROUP], users=[ANN])) as messenger:
        messenger.put("incident/1", "restart?", ASK)
        await asyncio.sleep(3)
        telegram.press("Deny", telegram.world.users[ANN], GROUP)
        await asyncio.sleep(1)
    assert [press.data for press in notifier.heard if isinstance(press, Press)] == ["no:1"]
