"""The notifier: one plain line for each step, no repetition, nothing that a terminal would obey."""

from pathlib import Path
from typing import Any

import pytest

from agents.events import (
    BackupProven,
    Cause,
    CauseFound,
    ConfigChanged,
    DamageFound,
    EventQuarantined,
    Fact,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ServiceStopped,
    StartRetried,
    StorageChanged,
)
from agents.incident.story import LONGEST, plain
from agents.notifier import Notifier
from config.model import Config, ProcessPlatform, Service
from config.world import World


class Desk:
    def __init__(self) -> None:
        self.lines: list[str] = []
        world = World(config=Config(), fixes={}, state_dir=Path("state"))
        self.notifier = Notifier(world, self.lines.append)

    def tell(self, *facts: Fact) -> list[str]:
        """The lines that these facts made."""
        before = len(self.lines)
        for fact in facts:
            results = self.notifier.handle(fact)
            self.notifier.apply(fact)
            for said in results:
                self.notifier.apply(said)
        return self.lines[before:]


def about(**more: Any) -> dict[str, Any]:
    return {"incident": "0123456789abcdef", "service": "shop", **more}


HANG = {"fix": "kill_restart", "cause_name": "hang", "culprit": "shop"}
STEPS = [
    (IncidentOpened(**about(symptom="timeout", reason="no answer")), "shop has a problem (timeout): no answer"),
    (CauseFound(**about(best=Cause("hang", "shop", 0.9, ("it is silent",)))), "cause: hang of shop 90%: it is silent"),
    (FixChosen(**about(**HANG, probability=0.8, why="it helped before")),
     "chose kill_restart for shop (80%): it helped before"),
    (FixRefused(**about(fix="kill_restart", limit="attempts", reason="3 did not help", final=True)),
     "kill_restart for shop refused by limit attempts: 3 did not help"),
    (FixStarted(**about(**HANG, agent="application_recovery", deadline_s=1.0)), "kill_restart for shop started"),
    (StartRetried(**about(boot=2, wait_s=4.0, reason="port in use", missing=("model",))),
     "start 2 of shop failed: port in use; again in 4 s, waits for model"),
    (FixApplied(**about(fix="kill_restart", outcome="done", seconds=1.25)), "kill_restart was applied in 1.2 s"),
    (FixFailed(**about(**HANG, reason="2 probes failed")), "kill_restart did not help: 2 probes failed"),
    (HarmFound(**about(act="a", fix="clear_cache", cause_name="hang", reason="shop ended twice after it")),
     "clear_cache made things worse: shop ended twice after it"),
    (FixVerified(**about(**HANG, seconds=4.0)), "kill_restart helped: shop stayed good, 4.0 s after its start"),
    (IncidentEscalated(**about(reason="nothing left")), "needs a person: nothing left"),
    (IncidentRetried(**about(round=1, reason="slow probing goes on")), "trying again, round 1: slow probing goes on"),
    (IncidentClosed(**about(outcome="healed", message="kill_restart of shop", seconds=5.0)),
     "healed after 5.0 s: kill_restart of shop"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "line"), STEPS, ids=[type(fact).__name__ for fact, _ in STEPS])
def test_each_step_is_one_line_with_the_incident_in_front(fact: Fact, line: str) -> None:
    assert Desk().tell(fact) == [f"01234567 {line}"]


@pytest.mark.parametrize(
    ("fact", "part"),
    [
        (OperatorCommanded(command="stop", service="shop", by="anna"), "anna said: stop shop"),
        (ConfigChanged(digest="d", why="refused", problem="$.x"), "refused, the old one stays in force: $.x"),
        (ConfigChanged(digest="d", why="reload", added=("a",), removed=("b",)), "added: a; removed: b"),
        (ConfigChanged(digest="d", services=("a", "b")), "watching 2 services"),
        (OperatorCommanded(command="shutdown", by="signal"), "stopping, as a signal asked"),
        (StorageChanged(ok=False, problem="disk full"), "CANNOT BE WRITTEN (disk full)"),
        (StorageChanged(ok=True), "can be written again"),
        (DamageFound(path="x.jsonl", problem="cut off", restored_from="journal"), "replaced from journal"),
        (
            BackupProven(service="shop", target="shop.json", ok=False, problem="it is rotten"),
            "shop: THE BACKUP OF shop.json COULD NOT BE RESTORED: it is rotten",
        ),
        (EventQuarantined(agent="rca_engine", event="e1", error="boom"), "rca_engine failed on event e1"),
        (ObservationResumed(gap_s=30.0), "did not watch for 30 s"),
        (ServiceStopped(service="shop", why="operator"), "an operator asked for it"),
    ],
)
def test_news_of_the_house(fact: Fact, part: str) -> None:
    [line] = Desk().tell(fact)
    assert part in line


def test_a_proven_backup_is_no_news() -> None:
    assert Desk().tell(BackupProven(service="shop", target="shop.json", ok=True)) == []


def test_an_exit_that_nobody_heals_is_told_and_no_other_news_of_health() -> None:
    desk, command = Desk(), ProcessPlatform(command=("x",))
    once, always = (
        Service(name="once", platform=command, restart="never"),
        Service(name="shop", platform=command),
    )
    desk.notifier.world.config = Config(services=(once, always))
    down = {"health": "down", "symptom": "exit", "reason": "exited with code 3"}
    assert desk.tell(HealthChanged(service="once", **down)) == [
        "once ended and stays so (restart: never): exited with code 3"
    ]
    assert (
        desk.tell(HealthChanged(service="shop", **down), HealthChanged(service="once", health="healthy"))
        == []
    )
    [news] = desk.notifier.state.news.values()
    assert news.text.startswith("once ended"), "people elsewhere are told too"


def test_a_plain_start_and_an_orderly_shutdown_make_no_noise() -> None:
    quiet = (ObservationResumed(why="start"), ServiceStopped(service="shop", why="shutdown"))
    assert Desk().tell(*quiet) == []


def test_rounds_of_slow_probing_do_not_repeat_the_same_story() -> None:
    desk = Desk()

    def story(n: int) -> list[str]:
        return desk.tell(
            IncidentRetried(**about(round=n, reason="r", at=n * 300.0)),
            CauseFound(**about(best=Cause("hang", "shop", 0.9), at=n * 300.0)),
            FixRefused(
                **about(fix="restart", limit="observe", reason="would have", final=True, at=n * 300.0)
            ),
        )

    assert len(story(1)) == 3
    assert story(2) == []
    assert len(story(8)) == 3, "never silent: again after half an hour"


def test_every_act_is_told_even_the_same_one_again() -> None:
    desk = Desk()
    act = FixStarted(**about(**HANG, agent="application_recovery", deadline_s=1.0))
    assert len(desk.tell(act, act)) == 2


def test_what_holds_many_back_is_told_once() -> None:
    desk = Desk()
    refused = [
        FixRefused(
            incident=f"i{n}", service=f"s{n}", fix="restart", limit="suspicion", reason="40 of 50", at=1.0
        )
        for n in range(40)
    ]
    assert len(desk.tell(*refused)) == 1


def test_staggering_is_not_worth_a_line() -> None:
    assert Desk().tell(FixRefused(**about(fix="respawn", limit="stagger", reason="r"))) == []


def reminder(limit: str, n: int = 0, **more: Any) -> FixRefused:
    told = {
        "fix": "restart",
        "limit": limit,
        "reason": "r",
        "reminder": 1,
        "held_s": 900.0,
        "freed_by": "time",
    }
    return FixRefused(**{"incident": f"i{n}", "service": f"s{n}", **told, **more})


def test_what_is_still_held_back_is_told_with_its_limit_and_what_would_free_it() -> None:
    desk = Desk()
    first = FixRefused(incident="i0", service="s0", fix="restart", limit="open_act", reason="r", at=1.0)
    assert len(desk.tell(first)) == 1
    assert desk.tell(reminder("open_act", at=901.0)) == [
        "i0 restart for s0 still held back for 15 min by limit open_act: r; freed by: time"
    ]
    assert len(desk.tell(reminder("open_act", reminder=2, at=3601.0))) == 1
    assert len(desk.tell(reminder("stagger", at=901.0))) == 1


def test_a_pause_that_holds_many_back_reminds_of_one() -> None:
    desk = Desk()
    assert len(desk.tell(*(reminder("paused", n, at=900.0 + n) for n in range(40)))) == 1
    assert len(desk.tell(reminder("paused", 3, reminder=2, at=3600.0))) == 1


def test_endless_boots_are_told_once_a_minute() -> None:
    desk = Desk()
    boots = [StartRetried(**about(boot=n, wait_s=5.0, reason="refused", at=n * 5.0)) for n in range(37)]
    assert len(desk.tell(*boots)) == 4


def test_what_a_service_wrote_cannot_steer_the_terminal() -> None:
    [line] = Desk().tell(
        IncidentOpened(**about(symptom="error", reason="\x1b[2J\r\nDELETED\x07 " + "x" * 5000))
    )
    assert line.isprintable()
    assert len(line) <= LONGEST + 9


def test_a_fact_without_words_still_has_a_name() -> None:
    assert plain("") == ""
    assert "no fix is left" in Desk().tell(FixesExhausted(**about(reason="r")))[0]


def test_hands_that_come_back_after_the_end_of_an_incident_leave_nothing_for_ever() -> None:
    notifier = Notifier(World(Config(), {}, Path("state")), lambda _: None)
    for n in range(3000):
        one: dict[str, Any] = {"incident": f"i{n}", "service": "shop", "at": n * 60.0}
        notifier.handle(IncidentClosed(**one, outcome="withdrawn", seconds=1.0, message="m"))
        notifier.handle(FixApplied(**one, fix="respawn", outcome="failed"))
    assert len(notifier.lines) <= 1000
