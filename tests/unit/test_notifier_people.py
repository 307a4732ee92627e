"""What people press and write: asked of the daemon, answered with its own words, allowed to those who are named."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.events import ApprovalGiven, IncidentEscalated, OperatorCommanded
from agents.telling.port import Contacts
from config.model import Approvals, Approver, Config
from dashboard.view import Answer
from platforms.telegram.port import Trouble
from tests.fixtures.chat import CHAT
from tests.fixtures.telling_desk import TellingDesk
from tests.unit.test_notifier_messages import about, closed, question

ANN, BOB = 7, 8
TWO = Config(approvals=Approvals(approvers=(Approver(name="ann", telegram_id=ANN), Approver(name="bob"))))


@pytest.fixture
async def desk() -> AsyncIterator[TellingDesk]:
    desk = TellingDesk(TWO)
    await desk.tell(wait_s=0.1)
    yield desk
    await desk.stop()


@pytest.mark.parametrize(
    ("label", "asked"),
    [("Approve", "approve"), ("Deny", "deny"), ("Snooze", "snooze")],
)
async def test_a_press_is_a_word_about_that_very_question(desk: TellingDesk, label: str, asked: str) -> None:
    await desk.open("i1")
    await desk.tell(question())
    data = desk.chat.of("incident/")[0].data(label)
    assert len(data.encode()) <= 64
    assert await desk.chat.press(data) == ("restart of shop started", False)
    assert desk.people.asked == [(asked, "ask-i1", "telegram:ann", "")]


async def test_a_press_is_answered_when_the_gate_has_answered_and_not_before(desk: TellingDesk) -> None:
    desk.people.takes_s = 5.0
    pressing = asyncio.ensure_future(desk.chat.press("a:ask-i1"))
    await asyncio.sleep(4.9)
    assert desk.chat.answers == {}
    desk.people.answer = Answer(accepted=False, answer="too late: it was over")
    assert await pressing == ("too late: it was over", True)


async def test_why_tells_every_step_and_no_tag_of_others(desk: TellingDesk) -> None:
    await desk.open("i1")
    assert await desk.chat.press("w:i1") == ("", False)
    [message] = desk.chat.of("answer/")
    assert "incident i1" in message.text
    assert "&lt;b&gt;it&lt;/b&gt; began" in message.text
    assert not [event for event in desk.emitted if getattr(event, "key", "").startswith("answer/")]
    assert desk.people.asked == []


@pytest.mark.parametrize("data", ["", "a", "a:", "x:ask-i1", "approve:ask-i1", ":", "\x00", "w:"])
async def test_data_that_we_never_sent_asks_for_nothing(desk: TellingDesk, data: str) -> None:
    text, alert = await desk.chat.press(data)
    assert alert
    assert text
    assert desk.people.asked == []


async def test_who_is_not_named_may_neither_press_nor_command(desk: TellingDesk) -> None:
    text, alert = await desk.chat.press("a:ask-i1", user_id=BOB)
    assert (alert, "not among those" in text) == (True, True)
    assert "not among those" in (await desk.chat.say("/pause", user_id=BOB))[0]
    assert desk.people.asked == []


async def test_a_new_configuration_lets_others_in_and_out_at_once(desk: TellingDesk) -> None:
    desk.world.config = Config(approvals=Approvals(approvers=(Approver(name="bob", telegram_id=BOB),)))
    await desk.chat.press("a:q1", user_id=BOB)
    assert (await desk.chat.press("a:q1", user_id=ANN))[1]
    assert desk.people.asked == [("approve", "q1", "telegram:bob", "")]
    await desk.tell(wait_s=10.0)
    assert desk.chat.line is not None
    assert desk.chat.line.allowed == {BOB}, "the messenger asks first"


async def test_each_of_several_is_known_by_name(desk: TellingDesk) -> None:
    both = (Approver(name="ann", telegram_id=ANN), Approver(name="bob", telegram_id=BOB))
    desk.world.config = Config(approvals=Approvals(approvers=both))
    await desk.chat.press("a:q1", user_id=BOB)
    await desk.chat.press("a:q1", user_id=ANN)
    assert [by for _, _, by, _ in desk.people.asked] == ["telegram:bob", "telegram:ann"]


async def test_who_is_named_nowhere_is_known_by_a_number_that_nobody_can_choose() -> None:
    desk = TellingDesk()
    await desk.tell(wait_s=0.1)
    await desk.chat.press("a:q1")
    assert desk.people.asked == [("approve", "q1", f"telegram:{CHAT}", "")]
    await desk.stop()


async def test_trouble_with_telegram_is_told_and_strangers_only_here(desk: TellingDesk) -> None:
    assert desk.chat.line is not None
    desk.chat.line.ears.report(Trouble("conflict", "somebody else listens with our bot's token"))
    desk.chat.line.ears.report(Trouble("foreign", "@eve\x1b (user 9) wrote in chat 9, which is not allowed"))
    await desk.tell(wait_s=3.0)
    [message] = desk.chat.standing.values()
    assert "somebody else listens" in message.text
    assert desk.lines[-1] == "telegram: @eve (user 9) wrote in chat 9, which is not allowed"


# --- the second word of a single person ------------------------------------------------------------------------------


async def asked_to_confirm(desk: TellingDesk, incident: str, service: str) -> None:
    await desk.open(incident, service)
    await desk.tell(question(incident, service))
    ask = f"ask-{incident}"
    given = ApprovalGiven(
        **about(incident, service), approval=ask, fix="rollback", by="ann", missing=1, typed=service
    )
    await desk.tell(given)


async def test_a_confirmation_is_typed_as_an_answer_or_a_command(desk: TellingDesk) -> None:
    await asked_to_confirm(desk, "i1", "shop")
    [message] = desk.chat.of("incident/i1")
    assert "<code>shop</code>" in message.text
    await desk.chat.say("shop", reply_to=message.number)
    await desk.chat.say("/confirm shop")
    await desk.chat.say("shop")
    assert desk.people.asked == [("approve", "ask-i1", "telegram:ann", "shop")] * 3


async def test_in_a_group_a_word_in_passing_confirms_nothing(desk: TellingDesk) -> None:
    await asked_to_confirm(desk, "i1", "shop")
    await desk.chat.say("shop", chat_id=-50)
    assert desk.people.asked == []


async def test_a_word_for_one_question_never_goes_to_another(desk: TellingDesk) -> None:
    await asked_to_confirm(desk, "i1", "shop")
    await asked_to_confirm(desk, "i2", "web")
    [web] = desk.chat.of("incident/i2")
    await desk.chat.say("shop", reply_to=web.number)
    assert desk.people.asked == [("approve", "ask-i2", "telegram:ann", "shop")], (
        "the gate says that it is wrong"
    )
    await desk.chat.say("/confirm something")
    assert len(desk.people.asked) == 1


async def test_a_word_when_nothing_waits_gets_help(desk: TellingDesk) -> None:
    assert "Nothing waits" in (await desk.chat.say("shop"))[0]


# --- commands --------------------------------------------------------------------------------------------------------


async def test_status_tells_health_questions_pauses_and_silence(desk: TellingDesk) -> None:
    await desk.open("i1")
    await desk.tell(question())
    await desk.tell(OperatorCommanded(command="silence", service="web", for_s=60.0, by="ann"))
    [text] = await desk.chat.say("/status")
    for part in ("1 of 2 services", "web (down)", "word of yours: shop", "paused by ann: everything", "web"):
        assert part in text
    await desk.tell(wait_s=61.0)
    assert "silent" not in (await desk.chat.say("/status@our_bot"))[0]


async def test_incidents_are_listed_the_open_ones_first(desk: TellingDesk) -> None:
    assert "no incident is open" in (await desk.chat.say("/incidents"))[0]
    await desk.open("i1")
    await desk.open("i2", "web")
    await desk.tell(closed("i2", "web"))
    [text] = await desk.chat.say("/incidents")
    assert [line.split()[1] for line in text.splitlines()] == ["shop:", "web:"]


async def test_switches_are_asked_for_by_name(desk: TellingDesk) -> None:
    for words in ("/pause", "/pause shop", "/resume", "/silence shop 2h", "/silence off", "/silence"):
        await desk.chat.say(words)
    by = "telegram:ann"
    assert desk.people.asked == [
        ("pause", by, "", "0"), ("pause", by, "shop", "0"), ("resume", by, "", "0"),
        ("silence", by, "shop", "7200"), ("silence", by, "", "0"), ("silence", by, "", "3600"),
    ]  # fmt: skip
    assert "Write /silence" in (await desk.chat.say("/silence shop for a while"))[0]
    assert len(desk.people.asked) == 6


async def test_why_without_an_id_is_about_the_newest(desk: TellingDesk) -> None:
    assert "No such incident" in (await desk.chat.say("/why"))[0]
    await desk.open("i1")
    await desk.open("i2", "web")
    assert "incident i2" in (await desk.chat.say("/why"))[0]
    assert "incident i1" in (await desk.chat.say("/why i1"))[0]


async def test_an_unknown_command_gets_help(desk: TellingDesk) -> None:
    assert "/silence" in (await desk.chat.say("/reboot everything"))[0]


# --- the second channel ----------------------------------------------------------------------------------------------


class Pager:
    kind = "webhook"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.outages: list[tuple[str, str]] = []  # words that Telegram is out of reach
        self.down = False
        self.tried = 0

    async def send(self, subject: str, text: str, key: str) -> None:
        self.tried += 1
        if self.down:
            raise OSError("nobody answers")
        (self.outages if key == "outage" else self.sent).append((key, text))


@pytest.fixture
async def paged() -> AsyncIterator[tuple[TellingDesk, Pager]]:
    desk, pager = TellingDesk(), Pager()
    desk.contacts.second = pager  # type: ignore[assignment]  # its kind is no Literal here
    await desk.restart()
    yield desk, pager
    await desk.stop()


async def test_what_is_urgent_and_seen_by_nobody_goes_the_second_way_once(
    paged: tuple[TellingDesk, Pager],
) -> None:
    desk, pager = paged
    desk.chat.down = True
    await desk.open("i1")
    await desk.open("i2", "web")
    await desk.tell(question(), wait_s=110.0)
    assert pager.sent == []
    await asyncio.sleep(20.0)
    [(key, text)] = pager.sent
    assert (key, "<b>" in text, "roll back <shop>" in text) == ("incident/i1", False, True)
    await desk.restart()
    await asyncio.sleep(600.0)
    assert (len(pager.sent), len(pager.outages)) == (1, 1)
    await desk.tell(IncidentEscalated(**about("i2", "web"), reason="nothing left"), wait_s=140.0)
    assert [key for key, _ in pager.sent] == ["incident/i1", "incident/i2"]
    await desk.tell(IncidentEscalated(**about("i1"), reason="nothing left"), wait_s=140.0)
    assert [key for key, _ in pager.sent][2:] == ["incident/i1"], "it rang again"


async def test_what_was_seen_or_is_over_in_time_goes_no_second_way(paged: tuple[TellingDesk, Pager]) -> None:
    desk, pager = paged
    await desk.open("i1")
    await desk.tell(question(), wait_s=300.0)
    desk.chat.down = True
    await desk.open("i2", "web")
    await desk.tell(question("i2", "web"), wait_s=60.0)
    await desk.tell(closed("i2", "web"), wait_s=300.0)
    assert pager.sent == []


async def test_a_second_channel_that_fails_is_tried_until_it_takes_it(
    paged: tuple[TellingDesk, Pager],
) -> None:
    desk, pager = paged
    desk.chat.down = pager.down = True
    await desk.open("i1")
    await desk.tell(question(), wait_s=1000.0)
    assert 4 <= pager.tried <= 12
    pager.down = False
    await asyncio.sleep(320.0)
    assert len(pager.sent) == 1


async def test_without_telegram_the_second_channel_is_the_first() -> None:
    pager = Pager()
    desk = TellingDesk(contacts=Contacts(second=pager))  # type: ignore[arg-type]  # its kind is no Literal here
    await desk.open("i1")
    await desk.tell(question())
    assert [key for key, _ in pager.sent] == ["incident/i1"]
    await desk.stop()
