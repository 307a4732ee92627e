"""Incidents as people and programs read them."""

from agents.events import (
    Cause,
    CauseFound,
    FixChosen,
    FixFailed,
    FixRefused,
    StartRetried,
)
from agents.incident.views import Figures, figures, incident_json
from tests.fixtures.incident_owner import Desk, down, unhealthy


def healed_desk() -> Desk:
    desk = Desk()
    desk.probe("shop", ok=False, at=8.0)
    desk.tell(unhealthy("shop", id="i"), 10.0)
    hang = Cause("hang", "shop", 0.9, ("no answer\x1b[31m in 0.5 s",))
    desk.tell(CauseFound(incident="i", service="shop", best=hang, rivals=(Cause("crash", "shop", 0.1),)))
    choice = FixChosen(
        incident="i",
        service="shop",
        fix="kill_restart",
        cause_name="hang",
        culprit="shop",
        probability=0.8,
        why="best",
    )
    desk.tell(choice)
    desk.tell(
        FixRefused(incident="i", service="shop", fix="kill_restart", limit="paused", reason="by a person")
    )
    return desk


def test_explain_tells_the_story_in_order() -> None:
    desk = healed_desk()
    assert desk.agent.explain("i")[1] == "waits: limit paused"
    desk.act("i", "kill_restart", outcome="failed")
    desk.act("i", "restart")
    for _ in range(3):
        desk.probe("shop")
    text = "\n".join(desk.agent.explain("i"))
    story = [
        "incident i of shop: closed", "no answer", "cause: hang of shop 90%", "rivals: crash", "chose kill_restart",
        "held back by limit paused", "kill_restart for shop started", "could not be applied", "kill_restart did not help",
        "  restart for shop started", "  restart was applied", "  restart helped", "healed after",
    ]  # fmt: skip
    places = [text.find(part) for part in story]
    assert -1 not in places
    assert places == sorted(places)
    assert "\x1b" not in text


def test_an_unknown_incident_has_no_story() -> None:
    assert Desk().agent.explain("nobody") == []


def test_the_api_form_is_the_documented_one() -> None:
    desk = healed_desk()
    desk.act("i", "kill_restart")
    for _ in range(3):
        desk.probe("shop")
    shown = incident_json(desk.incident("i"), lambda at: f"T{at:g}Z")
    assert list(shown) == [
        "id", "service", "status", "opened_at", "closed_at", "symptoms", "cause", "rivals", "acts", "message",
    ]  # fmt: skip
    assert (shown["status"], shown["opened_at"], shown["closed_at"]) == ("closed", "T10Z", "T13Z")
    assert shown["cause"]["name"] == "hang"
    [act] = shown["acts"]
    assert list(act) == ["fix", "layer", "outcome", "started_at", "seconds", "undone"]
    assert (act["fix"], act["layer"], act["outcome"], act["undone"]) == (
        "kill_restart",
        "application",
        "verified",
        False,
    )


def test_a_fault_that_comes_before_a_fix_is_verified_has_its_own_place_in_the_record() -> None:
    desk = healed_desk()
    desk.act("i", "kill_restart", incarnation="new")
    desk.tell(down("shop", signal=9, reason="was killed by SIGKILL", incarnation="new"), desk.at + 2.0)
    crash = Cause("crash", "shop", 0.97, ("the process was ended by signal 9",))
    desk.tell(CauseFound(incident="i", service="shop", best=crash))
    desk.act("i", "respawn", cause="crash", incarnation="newer")
    for _ in range(3):
        desk.probe("shop", incarnation="newer")
    shown = incident_json(desk.incident("i"), lambda at: f"T{at:g}Z")
    assert [(fault["symptom"], fault["cause"]["name"]) for fault in shown["faults"]] == [
        ("timeout: no answer", "hang"), ("exit: was killed by SIGKILL", "crash"),
    ]  # fmt: skip
    assert [(act["fix"], act["cause"], act["outcome"]) for act in shown["acts"]] == [
        ("kill_restart", "hang", "interrupted"), ("respawn", "crash", "verified"),
    ]  # fmt: skip
    assert shown["cause"]["name"] == "crash"
    assert shown["cause"]["evidence"] == [
        "the process was ended by signal 9",
        "before that, timeout: no answer (hang of shop), whose fix was not verified when the next one came",
    ]
    assert shown["message"] == (
        "healed after 5.0 s: respawn of shop; a new fault came before a fix was verified, the last one after "
        "kill_restart of shop for hang"
    )
    told = [line.partition("s  ")[2] for line in desk.agent.explain("i")]
    assert (
        "kill_restart was not verified, as a new fault came first: shop is down: was killed by SIGKILL"
        in told
    )
    assert figures(desk.state.incidents.values(), desk.at, lambda _: "today").auto_fix_success_rate == 1.0


def test_a_choice_that_needs_a_person_shows_as_waiting_approval() -> None:
    desk = healed_desk()
    desk.tell(
        FixRefused(incident="i", service="shop", fix="kill_restart", limit="approval", reason="suggest")
    )
    assert desk.incident("i").status == "waiting_approval"
    desk.tell(
        FixRefused(incident="i", service="shop", fix="kill_restart", limit="attempts", reason="3", final=True)
    )
    assert desk.incident("i").status == "open"


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    desk = Desk()
    desk.tell(down("shop", id="i"))
    for boot in range(500):
        desk.tell(StartRetried(incident="i", service="shop", boot=boot, wait_s=5.0, reason="port in use"))
    lines = desk.agent.explain("i")
    assert len(lines) == 81
    assert "has a problem" in lines[1]
    assert "start 499 of shop" in lines[-1]


def test_the_figures_count_what_was_decided() -> None:
    desk = healed_desk()
    desk.act("i", "rollback_release", outcome="failed")
    desk.act("i", "wait", outcome="failed")
    desk.act("i", "kill_restart")
    for _ in range(3):
        desk.probe("shop")
    assert any(isinstance(event, FixFailed) for event in desk.said)
    desk.tell(down("model", id="m"), 20.0)
    assert figures(desk.state.incidents.values(), desk.at, lambda _: "2026-05-01") == Figures(
        incidents=2,
        open=1,
        escalated=0,
        recoveries=1,
        auto_fix_success_rate=0.5,
        rollbacks_7d=1,
        mttd_s=1.0,
        mttr_s=3.0,
        acts_by_day={"2026-05-01": {"rollback_release": 1, "kill_restart": 1}},
    )
