"""What people read: one living message per incident, told once, together where things belong together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from agents.events import (
    ApprovalExpired,
    ApprovalRequested,
    Cause,
    CauseFound,
    ChangeObserved,
    DamageFound,
    FailurePredicted,
    FixApplied,
    FixRefused,
    FixStarted,
    FixVerified,
    IncidentClosed,
    IncidentEscalated,
    MessagePosted,
    OperatorCommanded,
    StorageChanged,
)
from analysis.plot import Mark
from tests.fixtures.telling_desk import NOON, TellingDesk

HURRY = 100.0  # days are short here


@pytest.fixture
async def desk() -> AsyncIterator[TellingDesk]:
    desk = TellingDesk()
    yield desk
    await desk.stop()


def about(incident: str = "i1", service: str = "shop", **more: Any) -> dict[str, Any]:
    return {"incident": incident, "service": service, **more}


def question(incident: str = "i1", service: str = "shop", **more: Any) -> ApprovalRequested:
    usual: dict[str, Any] = {
        "id": f"ask-{incident}", "fix": "rollback", "plan": "p", "what": "roll back <shop>", "why": "it is risky",
        "probability": 0.8, "risk": "risky", "cause_name": "bad_deploy", "culprit": service, "expires_wall": 1_767_270_000.0,
    }  # fmt: skip
    return ApprovalRequested(**about(incident, service), **(usual | more))


def cause(incident: str, service: str, culprit: str, name: str = "crash") -> CauseFound:
    return CauseFound(**about(incident, service), best=Cause(name, culprit, 0.9))


def closed(incident: str = "i1", service: str = "shop") -> IncidentClosed:
    return IncidentClosed(
        **about(incident, service), outcome="healed", message="restart of shop", seconds=5.0
    )


ACT: dict[str, Any] = {"fix": "restart", "cause_name": "hang", "culprit": "shop"}


async def test_an_incident_is_one_message_that_follows_it_to_its_end(desk: TellingDesk) -> None:
    await desk.open("i1", wait_s=4.0)
    assert desk.chat.standing == {}, "who has its cause in a moment is told with it"
    await desk.tell(cause("i1", "shop", "shop"), wait_s=3.0)
    started = FixStarted(**about(**ACT, agent="application_recovery", deadline_s=1.0))
    await desk.tell(started, FixApplied(**about(fix="restart", outcome="done", seconds=1.0)))
    await desk.tell(FixVerified(**about(**ACT, seconds=4.0)), closed())
    [message] = desk.chat.of("incident/i1")
    assert (desk.chat.sent, message.labels) == (1, [])
    assert "healed after 5.0 s" in message.text
    assert "Report: /reports/i1" in message.text.splitlines()
    assert not [text for text in message.texts[:-1] if "Report" in text], "none before its end"
    assert "crash of shop 90%" in message.text
    assert "restart helped" in message.text
    assert "Why" not in message.text
    assert len(message.texts) <= 4, "what happens together is said together"


async def test_words_of_others_are_escaped(desk: TellingDesk) -> None:
    await desk.open("i1", reason="<a href='x'>click</a> & \x1b[31m")
    [message] = desk.chat.of("incident/")
    assert "<a" not in message.text
    assert "&lt;a" in message.text
    assert "\x1b" not in message.text


async def test_a_question_is_asked_at_once_and_rings_where_the_incident_was_told_already(
    desk: TellingDesk,
) -> None:
    await desk.open("i1")
    before = desk.chat.sent
    await desk.tell(question(), wait_s=2.0)
    [message] = desk.chat.of("incident/i1")
    assert desk.chat.sent == before + 1
    assert message.labels == ["Approve", "Deny", "Snooze", "Why"]
    assert message.data("Approve") == "a:ask-i1"
    assert "roll back &lt;shop&gt;" in message.text
    await desk.tell(ApprovalExpired(**about(approval="ask-i1", fix="rollback", why="time")), wait_s=2.0)
    [message] = desk.chat.of("incident/i1")
    assert message.labels == ["Why"]
    assert desk.chat.sent == before + 1


async def test_a_question_of_a_new_incident_does_not_wait(desk: TellingDesk) -> None:
    await desk.open("i1", wait_s=0.0)
    await desk.tell(question(), wait_s=2.0)
    assert desk.chat.sent == 1


async def test_messages_and_their_buttons_survive_a_restart(desk: TellingDesk) -> None:
    await desk.open("i1")
    await desk.tell(question())
    [before] = desk.chat.of("incident/i1")
    sent = desk.chat.sent
    await desk.restart()
    await desk.tell(closed())
    [after] = desk.chat.of("incident/i1")
    assert (after.number, desk.chat.sent, after.labels) == (before.number, sent, [])


async def test_what_was_closed_while_nobody_could_be_told_is_told_after_a_restart(desk: TellingDesk) -> None:
    await desk.open("i1")
    desk.chat.down = True
    await desk.tell(closed())
    await desk.stop()
    desk.chat.line, desk.chat.down = None, False
    desk.start(desk.notifier.state)
    await desk.tell()
    [message] = desk.chat.of("incident/i1")
    assert "healed" in message.text


async def test_an_act_with_a_way_back_has_a_button_until_it_is_taken(desk: TellingDesk) -> None:
    await desk.open("i1")
    done = FixApplied(**about(fix="rollback", outcome="done", undo="go to v2", undo_data="v2", cause="act1"))
    await desk.tell(FixApplied(**about(fix="restart", outcome="done", cause="act0")))
    assert desk.chat.of("incident/i1")[0].labels == ["Why"]
    await desk.tell(done)
    [message] = desk.chat.of("incident/i1")
    assert message.data("Undo rollback") == "u:act1"
    back = FixStarted(**about(**ACT, agent="application_recovery", deadline_s=1.0, undo_of="act1"))
    await desk.tell(back)
    assert "Undo rollback" not in desk.chat.of("incident/i1")[0].labels


@pytest.mark.parametrize("culprit_first", [True, False])
async def test_who_fails_because_of_another_is_told_with_it(desk: TellingDesk, culprit_first: bool) -> None:
    if culprit_first:
        await desk.open("i1", "db", wait_s=0.0)
    await desk.open("i2", "api", wait_s=0.0)
    await desk.tell(cause("i2", "api", "db", "dependency_failure"), wait_s=0.0)
    if not culprit_first:
        await desk.open("i1", "db", wait_s=0.0)
    await desk.tell()
    [message] = desk.chat.of("incident/")
    assert message.key == "incident/i1"
    assert "With it: api" in message.text
    await desk.tell(closed("i1", "db"))
    assert "1 more are not well yet" in message.text
    await desk.tell(closed("i2", "api"))
    assert "all is over" in message.text
    assert (desk.chat.sent, message.labels) == (1, [])


async def test_a_message_that_stood_before_its_cause_was_known_points_there(desk: TellingDesk) -> None:
    await desk.open("i2", "api")
    await desk.open("i1", "db")
    await desk.tell(cause("i2", "api", "db", "dependency_failure"))
    assert "told together with <b>db</b>" in desk.chat.of("incident/i2")[0].text
    assert "With it: api" in desk.chat.of("incident/i1")[0].text


async def test_two_that_blame_each_other_stay_told(desk: TellingDesk) -> None:
    await desk.open("i1", "a", wait_s=0.0)
    await desk.open("i2", "b", wait_s=0.0)
    await desk.tell(cause("i1", "a", "b"), cause("i2", "b", "a"))
    [message] = desk.chat.of("incident/")
    assert message.key == "incident/i2"


async def test_many_at_once_are_one_message_even_where_nobody_knows_why(desk: TellingDesk) -> None:
    for n in range(50):
        await desk.open(f"i{n}", f"s{n}", wait_s=0.1)
    for n in range(50):
        await desk.tell(IncidentEscalated(**about(f"i{n}", f"s{n}"), reason="nothing left"), wait_s=0.1)
    await desk.tell()
    [message] = desk.chat.standing.values()
    assert "and 41 more" in message.text
    assert desk.chat.sent <= 2


async def test_questions_of_many_ring_once_a_minute_at_most(desk: TellingDesk) -> None:
    for n in range(6):
        await desk.open(f"i{n}", f"s{n}", wait_s=0.1)
    for n in range(1, 6):
        await desk.tell(question(f"i{n}", f"s{n}"), wait_s=5.0)
    [message] = desk.chat.standing.values()
    assert desk.chat.sent == 1
    assert message.labels.count("Snooze") == 5
    assert "Approve s3" in message.labels
    await desk.tell(wait_s=60.0)
    await desk.tell(question("i0", "s0"))
    assert desk.chat.sent == 2


async def test_three_are_three(desk: TellingDesk) -> None:
    for n in range(3):
        await desk.open(f"i{n}", f"s{n}", wait_s=0.1)
    await desk.tell()
    assert len(desk.chat.standing) == 3


async def test_those_that_come_minutes_apart_have_nothing_in_common(desk: TellingDesk) -> None:
    for n in range(6):
        await desk.open(f"i{n}", f"s{n}", wait_s=40.0)
    assert len(desk.chat.standing) == 6


def prediction(lead_time_s: float = 600.0) -> FailurePredicted:
    return FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=200.0, limit=256.0, lead_time_s=lead_time_s,
        confidence=0.9, reasons=("rss_mib rose",),
    )  # fmt: skip


async def test_a_prediction_is_told_once_and_goes_on_as_the_incident(desk: TellingDesk) -> None:
    await desk.tell(prediction())
    await desk.tell(prediction(300.0))
    [message] = desk.chat.of("prediction/")
    assert "in 300 s" in message.text
    assert "rss_mib rose" in message.text
    await desk.open("i1", symptom="failure_predicted")
    assert desk.chat.sent == 1
    assert "It was expected" in message.text
    await desk.tell(closed())
    assert "healed" in message.text
    assert len(desk.lines) == 3


async def test_a_prediction_that_did_not_come_says_so(desk: TellingDesk) -> None:
    await desk.tell(prediction(100.0))
    await desk.tell(wait_s=900.0)
    [message] = desk.chat.of("prediction/")
    assert "did not come" in message.text


def silence(service: str, for_s: float) -> OperatorCommanded:
    return OperatorCommanded(command="silence", service=service, for_s=for_s, by="ann")


async def test_in_silence_only_what_needs_a_person_is_told(desk: TellingDesk) -> None:
    await desk.tell(silence("shop", 3600.0))
    await desk.open("i1")
    await desk.open("i2", "web")
    assert [message.key for message in desk.chat.standing.values()] == ["incident/i2"]
    await desk.tell(IncidentEscalated(**about(), reason="nothing left"))
    assert len(desk.chat.of("incident/i1")) == 1


async def test_what_is_still_open_when_silence_ends_is_told_and_what_is_over_is_not(
    desk: TellingDesk,
) -> None:
    await desk.tell(silence("", 60.0))
    await desk.open("i1")
    await desk.open("i2", "web")
    await desk.tell(closed("i2", "web"))
    assert desk.chat.standing == {}
    await desk.tell(wait_s=60.0)
    assert [message.key for message in desk.chat.standing.values()] == ["incident/i1"]


async def test_an_escalation_rings_and_its_rounds_do_not(desk: TellingDesk) -> None:
    await desk.open("i1")
    for n in range(10):
        await desk.tell(IncidentEscalated(**about(), reason="nothing left", round=n), wait_s=300.0)
    assert desk.chat.sent == 2
    await asyncio.sleep(6 * 3600.0)
    await desk.tell(IncidentEscalated(**about(), reason="nothing left", round=99))
    assert desk.chat.sent == 3, "nobody forgets what needs a person"


async def test_what_is_still_held_back_rings_and_of_many_that_a_pause_holds_back_one(
    desk: TellingDesk,
) -> None:
    for n in range(3):
        await desk.open(f"i{n}", f"s{n}", wait_s=60.0)
    sent = desk.chat.sent
    held: dict[str, Any] = {
        "fix": "restart",
        "reason": "by ann",
        "reminder": 1,
        "held_s": 900.0,
        "freed_by": "ann",
    }
    for n in range(3):
        await desk.tell(FixRefused(**about(f"i{n}", f"s{n}"), limit="paused", **held))
    assert desk.chat.sent == sent + 1
    assert sum("still held back for 15 min by limit paused" in text for text in desk.chat.texts) == 3
    for n in range(2):
        await desk.tell(FixRefused(**about(f"i{n}", f"s{n}"), limit="open_act", **held))
    assert desk.chat.sent == sent + 3
    await desk.tell(FixRefused(**about("i2", "s2"), limit="open_act", fix="restart", reason="r"))
    assert desk.chat.sent == sent + 3


async def test_news_of_the_daemon_come_once_even_over_restarts(desk: TellingDesk) -> None:
    desk.chat.down = True
    await desk.tell(StorageChanged(ok=False, problem="disk full"), DamageFound(path="x", problem="cut off"))
    await desk.stop()
    desk.chat.line, desk.chat.down = None, False
    desk.start(desk.notifier.state)
    await desk.tell()
    assert len(desk.chat.of("news/")) == 2
    await desk.restart()
    assert desk.chat.sent == 2
    assert desk.notifier.state.news == {}


async def test_the_digest_comes_once_a_day_and_not_on_the_first(desk: TellingDesk) -> None:
    desk.world.unix = lambda at: NOON + at * HURRY
    await desk.tell(wait_s=30.0)
    assert desk.chat.standing == {}
    await desk.open("i1")
    await desk.tell(closed(), wait_s=86_400.0 / HURRY)
    [message] = desk.chat.of("news/")
    assert "1 of 2 services are healthy" in message.text
    assert "1 incident, 1 healed" in message.text
    assert [line for line in desk.lines if line.startswith("digest:")]
    await desk.restart()
    await desk.tell(wait_s=3600.0 / HURRY)
    assert len(desk.chat.of("news/")) == 1
    await desk.tell(wait_s=86_400.0 / HURRY)
    assert "nothing happened" in desk.chat.of("news/")[-1].text


async def test_only_who_holds_the_lease_tells(desk: TellingDesk) -> None:
    desk.world.lease = lambda: "another daemon has it"
    await desk.tell(wait_s=2.0)
    await desk.open("i1")
    assert desk.chat.standing == {}
    desk.world.lease = lambda: ""
    await desk.tell(wait_s=10.0)
    assert len(desk.chat.standing) == 1
    assert [type(event) for event in desk.emitted[-1:]] == [MessagePosted]


async def test_a_picture_comes_when_the_incident_is_told_and_when_it_is_over() -> None:
    desk = TellingDesk()
    shown: list[list[str]] = []

    def photo(service: str, opened_at: float, marks: Sequence[Mark], now: float) -> tuple[bytes, str]:
        shown.append([mark.kind for mark in marks])
        return f"{service} {opened_at:g} {now:g}".encode(), "rss_mib"

    desk.contacts.photo = photo
    await desk.restart()
    await desk.open("i1")
    await desk.tell(FixStarted(**about(**ACT, agent="application_recovery", deadline_s=1.0)))
    await desk.tell(FixApplied(**about(fix="restart", outcome="done", seconds=1.0)))
    await desk.tell(closed())
    [message] = desk.chat.of("incident/")
    assert len(message.photos) == 2
    assert "In the picture: rss_mib" in message.text
    assert shown == [["bad"], ["bad", "act", "good"]]
    await desk.stop()


async def test_a_deploy_that_failed_is_told_and_its_end_is_not(desk: TellingDesk) -> None:
    failed = {"service": "shop", "kind": "deploy_failed", "what": "deploy_failed"}
    await desk.tell(ChangeObserved(**failed, after="abc123 (build_failed)"))
    assert [text for text in desk.chat.texts if "a deploy of shop failed: abc123 (build_failed)" in text]
    told = len(desk.chat.texts)
    await desk.tell(ChangeObserved(**failed, before="abc123 (build_failed)", after=""))
    await desk.tell(ChangeObserved(service="shop", kind="deploy", what="deploy", before="a", after="b"))
    assert len(desk.chat.texts) == told


async def test_a_report_is_linked_under_the_address_of_the_page_for_each_that_is_over() -> None:
    desk = TellingDesk()
    desk.contacts.page = "https://page.example/"
    await desk.restart()
    await desk.open("i1", "db")
    await desk.open("i2", "shop")
    await desk.tell(cause("i2", "shop", "db"))
    await desk.tell(closed("i1", "db"))
    [head] = desk.chat.of("incident/i1")
    assert "Report of db: https://page.example/reports/i1" in head.text.splitlines()
    assert "reports/i2" not in head.text
    await desk.stop()
