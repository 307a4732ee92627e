"""The act gate over random histories, audited by a model that shares no code with it."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pytest

from agents.act_gate import ActGate
from agents.events import (
    FixApplied,
    FixFailed,
    FixStarted,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    StorageChanged,
)
from tests.fixtures.gate import Gate, limit
from utils.event import Fact

SERVICES = 8
ATTEMPTS, PER_SERVICE, PER_HOUR = 3, 4, 7
WHAT = ("ask", "ask", "ask", "again", "again", "apply", "apply", "good", "bad", "bad", "close", "retry", "exit",
        "healthy", "pause", "resume", "stop", "start", "probe_bad", "probe_good", "gap", "disk", "tick", "tick")  # fmt: skip
FIXES = ("kill_restart", "restart", "respawn", "wait")
PASS_S = (0.0, 0.05, 0.25, 1.0, 20.0, 700.0)


class Step(NamedTuple):
    what: str
    target: str
    fix: str
    pass_s: float


def history_of(seed: int) -> list[Step]:
    random = Random(seed)
    return [
        Step(
            random.choice(WHAT),
            f"s{random.randrange(SERVICES)}",
            random.choice(FIXES),
            random.choice(PASS_S),
        )
        for _ in range(random.randint(1, 120))
    ]


def shortest(history: list[Step], check: Callable[[list[Step]], None]) -> list[Step]:
    """What is left of a history that fails when every step has gone that is not needed for it."""
    for place in reversed(range(len(history))):
        shorter = history[:place] + history[place + 1 :]
        try:
            check(shorter)
        except Exception:  # noqa: BLE001 - whatever it fails by
            history = shorter
    return history


def sweep(seeds: range, check: Callable[[list[Step]], None]) -> None:
    for seed in seeds:
        history = history_of(seed)
        try:
            check(history)
        except Exception as error:
            few = "\n".join(map(str, shortest(history, check)))
            raise AssertionError(f"seed {seed}, {error!r}, after:\n{few}") from error


class Audit:
    """Folds the journal in its own simple way and objects to what must never be."""

    def __init__(self) -> None:
        self.acts: dict[str, FixStarted] = {}  # open, by target
        self.hands: set[str] = set()  # ids of acts not applied yet
        self.unverified: list[tuple[FixStarted, bool]] = []
        self.used: dict[str, int] = {}
        self.rounds: dict[str, int] = {}
        self.over: set[str] = set()
        self.paused = False
        self.stopped: set[str] = set()
        self.dead: set[str] = set()

    def see(self, fact: Any) -> None:  # noqa: C901 - one case for each kind of fact
        match fact:
            case FixStarted():
                self.permission(fact)
            case FixApplied():
                self.hands.discard(fact.cause)
                if fact.incident in self.over:
                    self.acts.pop(fact.service, None)
            case FixVerified() | FixFailed():
                act = self.acts.pop(fact.service, None)
                if isinstance(fact, FixVerified) and act:
                    tried = {(act.incident, act.service)}
                    self.unverified = [
                        p for p in self.unverified if (p[0].incident, p[0].service) not in tried
                    ]
                    self.used[fact.incident] = 0
            case IncidentClosed():
                self.over.add(fact.incident)
                act = self.acts.get(fact.service)
                if act and act.id not in self.hands:
                    del self.acts[fact.service]
            case IncidentRetried():
                self.rounds[fact.incident] = fact.round
            case OperatorCommanded(command="pause"):
                self.paused = True
            case OperatorCommanded(command="resume"):
                self.paused = False
            case OperatorCommanded(command="stop"):
                self.stopped.add(fact.service)
            case OperatorCommanded(command="start"):
                self.stopped.discard(fact.service)
            case HealthChanged():
                (self.dead.add if fact.health == "down" else self.dead.discard)(fact.service)

    def permission(self, act: FixStarted) -> None:
        assert act.incident not in self.over, "an act for a closed incident"
        if act.fix == "wait":
            return
        assert act.service not in self.acts, "two open acts on one target"
        assert not self.paused, "an act while paused"
        assert act.service not in self.stopped, "an act on what an operator stopped"
        self.used[act.incident] = self.used.get(act.incident, 0) + 1
        assert self.used[act.incident] <= ATTEMPTS + self.rounds.get(act.incident, 0), "beyond the attempts"
        self.acts[act.service] = act
        self.hands.add(act.id)
        self.unverified.append((act, act.service in self.dead))
        young = [(a, dead) for a, dead in self.unverified if act.at - a.at < 3600.0]
        if act.service not in self.dead:
            assert sum(a.service == act.service for a, _ in young) <= PER_SERVICE, (
                "beyond the budget of a service"
            )
            assert sum(not dead for _, dead in young) <= PER_HOUR, "beyond the budget of all"
        assert sum(act.at - a.at < 0.2 for a, _ in young) <= 5, "not staggered"


class History:
    """Turns random steps into a history that the other agents could have made."""

    def __init__(self) -> None:
        self.gate = Gate(
            SERVICES,
            max_recovery_attempts=ATTEMPTS,
            acts_per_service_per_hour=PER_SERVICE,
            acts_per_hour=PER_HOUR,
        )
        self.audit = Audit()
        self.facts: list[Fact] = []
        self.incident: dict[str, str] = {}
        self.rounds = 0

    def tell(self, event: Any) -> None:
        results = self.gate.tell(event)
        for fact in (event, *results):
            if isinstance(fact, Fact):
                self.facts.append(fact)
                self.audit.see(fact)

    def step(self, what: str, target: str, fix: str, pass_s: float) -> None:
        self.gate.at += pass_s
        getattr(self, what, self.other)(*((target, fix) if hasattr(self, what) else (what, target)))

    def ask(self, target: str, fix: str) -> None:
        if target not in self.incident:
            self.incident[target] = f"i{len(self.facts)}"
            self.tell(
                IncidentOpened(incident=self.incident[target], service=target, symptom="timeout", reason="r")
            )
        self.again(target, fix)

    def again(self, target: str, fix: str) -> None:
        from agents.events import FixChosen

        if target in self.incident:
            about = {"incident": self.incident[target], "service": target, "fix": fix}
            self.tell(FixChosen(**about, cause_name="hang", culprit=target, probability=0.5, why="w"))

    def apply(self, target: str, _: str) -> None:
        act = self.audit.acts.get(target)
        if act and act.id in self.audit.hands:
            about = {"incident": act.incident, "service": target, "fix": act.fix}
            self.tell(FixApplied(**about, outcome="done", cause=act.id))

    def good(self, target: str, _: str) -> None:
        act = self.audit.acts.get(target)
        if act and act.id not in self.audit.hands:
            about = {"incident": act.incident, "service": target, "fix": act.fix}
            self.tell(FixVerified(**about, cause_name="hang", culprit=target, seconds=1.0))

    def bad(self, target: str, _: str) -> None:
        act = self.audit.acts.get(target)
        if act and act.id not in self.audit.hands:
            about = {"incident": act.incident, "service": target, "fix": act.fix}
            self.tell(FixFailed(**about, cause_name="hang", culprit=target, reason="r"))

    def close(self, target: str, _: str) -> None:
        if incident := self.incident.pop(target, ""):
            self.tell(IncidentClosed(incident=incident, service=target, outcome="passed_by_itself"))

    def retry(self, target: str, _: str) -> None:
        if incident := self.incident.get(target):
            self.rounds = self.audit.rounds.get(incident, 0) + 1
            self.tell(IncidentRetried(incident=incident, service=target, round=self.rounds, reason="r"))

    def exit(self, target: str, _: str) -> None:
        self.tell(HealthChanged(service=target, health="down", symptom="exit", incarnation="x"))

    def healthy(self, target: str, _: str) -> None:
        self.tell(HealthChanged(service=target, health="healthy", incarnation="y"))

    def other(self, what: str, target: str) -> None:
        match what:
            case "pause" | "resume":
                self.tell(OperatorCommanded(command=what))
            case "stop" | "start":
                self.tell(OperatorCommanded(command=what, service=target))
            case "probe_bad" | "probe_good":
                self.gate.probe(target, ok=what == "probe_good")
            case "gap":
                self.tell(ObservationResumed(gap_s=1.0))
            case "disk":
                self.tell(StorageChanged(ok=False, problem="full"))
            case "tick":
                from agents.events import Tick

                self.tell(Tick())


def never_oversteps(history: list[Step]) -> None:
    told = History()
    for step in history:
        told.step(*step)
    twin = ActGate(told.gate.world)
    for fact in told.facts:
        twin.apply(fact)
    assert twin.state == told.gate.state, "the state is the fold of the journal"
    assert told.gate.reloaded() == told.gate.state
    assert {t: a.id for t, a in told.gate.state.open_acts.items()} == {
        t: a.id for t, a in told.audit.acts.items()
    }


def heals_at_last(history: list[Step]) -> None:
    told = History()
    for step in history:
        told.step(*step)
    told.tell(OperatorCommanded(command="resume"))
    told.tell(OperatorCommanded(command="start", service="s0"))
    for n in range(SERVICES):
        told.apply(f"s{n}", "")
        told.bad(f"s{n}", "")
        told.close(f"s{n}", "")
        told.gate.probe(f"s{n}", ok=True)
    told.gate.at += 3601.0
    answer = told.gate.ask("s0")
    assert limit(answer) == "", "nothing may stay locked for ever"


def test_no_history_makes_the_gate_overstep() -> None:
    sweep(range(100), never_oversteps)  # many more in tests/integration/sweeps


def test_after_any_history_a_patient_world_is_healed_at_last() -> None:
    sweep(range(100, 130), heals_at_last)


def test_a_history_that_fails_is_told_without_what_is_not_needed_for_it() -> None:
    def no_two_gaps(history: list[Step]) -> None:
        assert [step.what for step in history].count("gap") < 2

    with pytest.raises(AssertionError, match=r"seed \d+") as raised:
        sweep(range(20), no_two_gaps)
    assert str(raised.value).count("Step(") == str(raised.value).count("what='gap'") == 2
