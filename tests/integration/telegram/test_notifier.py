"""The notifier on the real messenger against the stand-in: what people see and press, over restarts and outages."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from agents.telling.port import Contacts
from agents.telling.words import COMMANDS
from config.model import Approvals, Approver, Config
from dashboard.view import Answer
from platforms.telegram.gate import REFUSAL
from platforms.telegram.messenger import TelegramMessenger
from platforms.telegram.port import Ears
from tests.fixtures.bot_api.standin import StandIn
from tests.fixtures.telling_desk import TellingDesk
from tests.integration.telegram.bots import ANN, _open
from tests.unit.test_notifier_messages import closed, question
from tests.unit.test_notifier_people import Pager

EVE = 9


@pytest.fixture
async def desk(telegram: StandIn) -> AsyncIterator[TellingDesk]:
    def line(ears: Ears) -> TelegramMessenger:
        where = {"base_url": telegram.base_url, "open_wire": _open, "commands": COMMANDS}
        return TelegramMessenger(telegram.token, [ANN], ears, **where)  # type: ignore[arg-type]  # a dict of all sorts

    ann = Approver(name="ann", telegram_id=ANN)
    desk = TellingDesk(Config(approvals=Approvals(approvers=(ann,))), Contacts(messenger=line))
    desk.contacts.people = desk.people
    await desk.restart()
    yield desk
    await desk.stop()
    assert telegram.violations == []


async def test_a_question_is_answered_from_the_message_after_a_restart(
    telegram: StandIn, desk: TellingDesk
) -> None:
    await desk.open("i1")
    await desk.tell(question())
    [message] = telegram.messages()
    assert message.buttons == [["Approve", "Deny", "Snooze"], ["Why"]]
    await desk.restart()
    query = telegram.press("Approve", telegram.world.users[ANN])
    await asyncio.sleep(3.0)
    assert desk.people.asked == [("approve", "ask-i1", "telegram:ann", "")]
    assert (query.text, query.alert) == ("restart of shop started", False)
    await desk.tell(closed())
    [message] = telegram.messages()
    assert message.buttons == []
    assert "healed" in message.text


async def test_strangers_press_and_say_in_vain(telegram: StandIn, desk: TellingDesk) -> None:
    eve = telegram.add_user(EVE, "Eve")
    await desk.open("i1")
    await desk.tell(question())
    [message] = telegram.messages()
    query = telegram.press_data("a:ask-i1", eve, message)
    telegram.say("/pause", eve)
    await asyncio.sleep(3.0)
    assert desk.people.asked == []
    assert query.alert
    assert telegram.texts(EVE) == [REFUSAL]


async def test_an_outage_sends_what_is_urgent_the_second_way_and_the_rest_later(
    telegram: StandIn, desk: TellingDesk
) -> None:
    pager = Pager()
    desk.contacts.second = pager  # type: ignore[assignment]  # its kind is no Literal here
    await desk.restart()
    await telegram.refuse()
    await desk.open("i1")
    await desk.open("i2", "web")
    await desk.tell(question(), wait_s=130.0)
    assert [key for key, _ in pager.sent] == ["incident/i1"]
    await telegram.listen_again()
    await asyncio.sleep(90.0)
    assert len(telegram.messages()) == 2
    assert len(pager.sent) == 1


async def test_commands_are_answered_where_they_were_asked(telegram: StandIn, desk: TellingDesk) -> None:
    telegram.say("/status", telegram.world.users[ANN])
    await asyncio.sleep(3.0)
    assert "1 of 2 services are healthy" in telegram.texts()[-1]


@pytest.mark.parametrize("presses", [60, pytest.param(1000, marks=pytest.mark.soak)])
async def test_each_press_of_many_is_answered_once_with_what_was_done(
    telegram: StandIn, desk: TellingDesk, presses: int
) -> None:
    random = Random(presses)
    people = (telegram.world.users[ANN], telegram.add_user(EVE, "Eve"))
    await desk.open("i1")
    await desk.tell(question())
    desk.people.answer = Answer(accepted=False, answer="too late: it was over")
    queries = []
    for _ in range(presses):
        message = telegram.messages(ANN)[0]
        data = random.choice(("a:ask-i1", "d:ask-i1", "s:old", "u:act", "x:1", "a:"))
        who = random.choices(people, (4, 1))[0]
        queries.append((who.id, data, telegram.press_data(data, who, message)))
        if random.random() < 0.1:
            await asyncio.sleep(random.random() * 5.0)
        if random.random() < 0.02:
            await desk.restart()
    await asyncio.sleep(30.0)
    ours = [(user, data) for user, data, _ in queries if user == ANN and data not in ("x:1", "a:")]
    assert len(desk.people.asked) >= len(ours), "none was lost, and after a death one may come twice"
    assert {word[1] for word in desk.people.asked} <= {"ask-i1", "old", "act"}
    assert all(query.text for _, _, query in queries)
    assert not [query for user, _, query in queries if user == EVE and "too late" in query.text]
