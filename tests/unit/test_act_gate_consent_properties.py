"""Words of people over random histories: late, double, by strangers, out of order, over restarts of the daemon.

The auditor shares no code with the gate. It knows each question, who said what about it, and what has changed since.
"""

from random import Random
from typing import Any

import pytest

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CommandAnswered,
    FixApplied,
    FixChosen,
    FixFailed,
    FixStarted,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    OperatorCommanded,
    Tick,
)
from config.model import Approvals, Approver, Maintenance
from tests.fixtures.gate import Gate, extra_fix

SERVICES = 4
FIXES = (
    extra_fix("bold", risk="risky", auto_undo=True, steps=("kill",)),
    extra_fix("drop", risk="destructive"),
)
PEOPLE = ("telegram:ann", "telegram:ben", "telegram:eve", "command line", "api")
KNOWN = {"telegram:ann", "telegram:ben", "command line", "api"}
EXPIRES_S = 600.0
DAY_S = 86400.0
WINDOW = Maintenance(start="00:00", end="01:00")
WHAT = (*["ask"] * 8, *["word"] * 16, *["apply"] * 6, *["verdict"] * 5, *["tick"] * 6, *["turn"] * 2, "close", "life", "ill",
        "well", "pause", "resume", "resume", "stop", "start", "start", "reload", "reload")  # fmt: skip
PASS_S = (0.0, 0.25, 1.0, 1.0, 5.0, 5.0, 20.0, 61.0, 61.0, 300.0, 3700.0)


class Audit:
    def __init__(self) -> None:
        self.questions: dict[str, ApprovalRequested] = {}
        self.over: set[str] = set()
        self.yes: dict[str, list[tuple[str, float, str]]] = {}  # by question: who, when, what was typed
        self.lives: dict[str, str] = {}
        self.started: set[str] = set()  # questions that became an act
        self.undone: set[str] = set()
        self.acts: dict[str, FixStarted] = {}

    def permission(
        self, act: FixStarted, *, paused: bool, lease: bool, stopped: set[str], window: bool
    ) -> None:
        assert not paused, "an act while paused"
        assert lease, "an act without the lease"
        assert act.service not in stopped, "an act on what an operator stopped"
        if act.undo_of:
            assert act.undo_of not in self.undone, "taken back twice"
            self.undone.add(act.undo_of)
            return
        if act.fix == "kill_restart":
            assert not window, "a safe act of our own while people work on it"
            return
        assert act.approval, f"{act.fix} without a word"
        assert act.approval not in self.started, "two acts for one question"
        assert act.approval not in self.over, "an act for a question that is over"
        self.started.add(act.approval)
        self._agreed(act, self.questions[act.approval])

    def _agreed(self, act: FixStarted, question: ApprovalRequested) -> None:
        assert (act.fix, act.service) == (question.fix, question.service)
        assert act.at < question.expires_at, "an act after its question ran out"
        assert self.lives.get(act.service, "") == question.incarnation, (
            "an act on another life than was asked about"
        )
        words = self.yes[question.id]
        assert {by for by, _, _ in words} <= KNOWN, "a stranger's word counted"
        if act.fix == "drop":
            assert len({by for by, _, _ in words}) >= 2, "what cannot be undone on one person's word"


class History:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.gate = Gate(SERVICES, fixes=FIXES)
        config = self.gate.world.config
        people = (Approver(name="ann"), Approver(name="ben"))
        self.gate.world.config = type(config)(
            services=config.services,
            approvals=Approvals(approvers=people, expires_s=EXPIRES_S),
            maintenance=(WINDOW,),
        )
        self.gate.world.unix = lambda at: at
        self.gate.world.lease = lambda: "" if self.lease else "another daemon acts"
        self.gate.at = DAY_S / 2
        self.audit = Audit()
        self.lease, self.paused, self.stopped = True, False, set[str]()
        self.incidents: dict[str, str] = {}
        self.commands = 0
        self.n = 0

    def tell(self, event: Any) -> None:
        if isinstance(event, IncidentClosed | FixVerified | FixFailed):
            self.audit.acts.pop(event.service, None)
        answers = 0
        for fact in self.gate.tell(event):
            answers += isinstance(fact, CommandAnswered)
            self.see(fact, event)
        if isinstance(event, OperatorCommanded) and event.about:
            assert answers == 1, "each word is answered once"

    def see(self, fact: Any, event: Any) -> None:
        audit = self.audit
        match fact:
            case ApprovalRequested():
                open_ones = [q for q in audit.questions.values() if q.id not in audit.over | audit.started]
                assert fact.incident not in {q.incident for q in open_ones}, (
                    "two questions about one incident"
                )
                audit.questions[fact.id] = fact
            case ApprovalGiven():
                audit.yes.setdefault(fact.approval, []).append((fact.by, fact.at, event.typed))
            case ApprovalDenied() | ApprovalExpired():
                audit.over.add(fact.approval)
            case FixStarted():
                moment = self.gate.at % DAY_S
                audit.permission(
                    fact, paused=self.paused, lease=self.lease, stopped=self.stopped, window=moment < 3600.0
                )
                audit.acts[fact.service] = fact

    def step(self) -> None:
        self.gate.at += self.random.choice(PASS_S)
        target = f"s{self.random.randrange(SERVICES)}"
        getattr(self, self.random.choice(WHAT))(target)

    def ask(self, target: str) -> None:
        self.n += 1
        if target not in self.incidents:
            self.incidents[target] = f"i{self.n}"
            self.ill(target)
            self.tell(IncidentOpened(incident=f"i{self.n}", service=target, symptom="timeout", reason="r"))
        fix = self.random.choice(("bold", "bold", "drop", "kill_restart"))
        self.tell(
            FixChosen(
                incident=self.incidents[target], service=target, fix=fix, cause_name=f"c{self.n}", culprit=target,
                probability=0.5, why="w",
            )
        )  # fmt: skip

    def word(self, target: str) -> None:
        self.tell(
            OperatorCommanded(
                command=self.random.choice(("approve", "approve", "approve", "deny", "snooze", "undo")),
                about=self._about(),
                by=self.random.choice(PEOPLE),
                typed=self.random.choice(("", target)),
                for_s=self.random.choice((0.0, 60.0)),
            )
        )

    def _about(self) -> str:
        """Mostly what stands open, often something older, sometimes nothing at all."""
        audit = self.audit
        acts = [act.incident for act in audit.acts.values()]
        newest = [question for question in audit.questions if question not in audit.over | audit.started]
        anything = [*audit.questions, *self.incidents.values(), *acts, "nothing"]
        return self.random.choice([*newest, *newest, *newest, *newest, *acts, *acts, *acts, *anything[-4:]])

    def apply(self, target: str) -> None:
        if act := self.audit.acts.get(target):
            way_back = "turn it again" if act.fix == "bold" and not act.undo_of else ""
            self.tell(
                FixApplied(
                    incident=act.incident, service=target, fix=act.fix, outcome="done", cause=act.id,
                    undo=way_back, undo_data=way_back, undo_of=act.undo_of,
                )
            )  # fmt: skip

    def verdict(self, target: str) -> None:
        act = self.audit.acts.get(target)
        if act and not act.undo_of:
            about = {"incident": act.incident, "service": target, "fix": act.fix}
            cause = {"cause_name": act.cause_name, "culprit": target}
            good = self.random.random() < 0.3
            self.tell(
                FixVerified(**about, **cause, seconds=1.0)
                if good
                else FixFailed(**about, **cause, reason="r")
            )

    def close(self, target: str) -> None:
        if incident := self.incidents.pop(target, ""):
            self.tell(IncidentClosed(incident=incident, service=target, outcome="passed_by_itself"))

    def life(self, target: str) -> None:
        self.n += 1
        self.audit.lives[target] = f"life{self.n}"
        self.tell(HealthChanged(service=target, health="starting", incarnation=f"life{self.n}"))

    def ill(self, target: str) -> None:
        life = self.audit.lives.get(target, "")
        self.tell(HealthChanged(service=target, health="unhealthy", symptom="timeout", incarnation=life))

    def well(self, target: str) -> None:
        self.tell(
            HealthChanged(service=target, health="healthy", incarnation=self.audit.lives.get(target, ""))
        )

    def pause(self, _: str) -> None:
        self.paused = True
        self.tell(OperatorCommanded(command="pause", by="ann"))

    def resume(self, _: str) -> None:
        self.paused = False
        self.tell(OperatorCommanded(command="resume", by="ann"))

    def turn(self, _: str) -> None:
        self.lease = not self.lease

    def stop(self, target: str) -> None:
        self.stopped.add(target)
        self.tell(OperatorCommanded(command="stop", service=target, by="ann"))

    def start(self, target: str) -> None:
        self.stopped.discard(target)
        self.tell(OperatorCommanded(command="start", service=target, by="ann"))

    def reload(self, _: str) -> None:
        self.gate.agent.state = self.gate.reloaded()

    def tick(self, _: str) -> None:
        self.tell(Tick())


def live(seed: int) -> None:
    history = History(Random(seed))
    for _ in range(history.random.randint(1, 200)):
        history.step()


def test_no_history_of_words_makes_an_act_that_nobody_agreed_to() -> None:
    for seed in range(60):  # many more in tests/integration/sweeps
        live(seed)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(100))
def test_no_history_of_words_makes_an_act_that_nobody_agreed_to_however_many(block: int) -> None:
    for seed in range(1000 + block * 100, 1100 + block * 100):
        live(seed)
