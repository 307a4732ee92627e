"""Histories in which everything that is declared may change at any time: never an act outside budget, window, lease or autonomy.

They are the histories of people's words, with more that may happen; the oracle is another (tests/fixtures/declared_limits.py).
"""

from collections import Counter
from random import Random
from typing import Any

from msgspec.structs import replace

from agents.act_gate import ActGate
from agents.events import (
    ActProposed,
    ConfigChanged,
    FixStarted,
    HealthChanged,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    StorageChanged,
)
from config.model import Approvals, Approver, Config, Maintenance, ServiceRecovery, Windows
from tests.fixtures.declared_limits import Oracle
from tests.fixtures.gate import extra_fix
from tests.unit.test_act_gate_consent_properties import EXPIRES_S, KNOWN, SERVICES, WHAT, History
from utils.event import Fact

FIXES = (
    extra_fix("bold", risk="risky", auto_undo=True, steps=("kill",)),
    extra_fix("drop", risk="destructive"),
    extra_fix("rinse", steps=("empty_caches", "start"), cooldown_s=600.0),
)
MORE = (*["trial"] * 60, *["resume", "start", "mended", "well", "well"] * 2, "config", "jump", "jump", "restart", "snapshot", "exit", "retry", "gap", "disk", "mended",
        "pause_one", "resume_one", "resume_one", "plan", "plan", "probe", "turn")  # fmt: skip
CHOICES = ("bold", "bold", "bold", "drop", "rinse", "kill_restart", "restart", "respawn", "wait")
AUTONOMY = ("observe", "suggest", *["earned"] * 6, "auto")


class Declared(History):
    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.gate.world.fixes = {**self.gate.world.fixes, **{fix.name: fix for fix in FIXES}}
        self.gate.world.unix = self.wall
        self.wall_off_s = 0.0
        self.log: list[Fact] = []
        self.saved = self.gate.reloaded()
        self.luck = random.choice((0.3, 0.7, 0.98))  # of acts
        self.habit = "bold" if self.luck > 0.9 else random.choice(CHOICES)
        self.oracle = Oracle(self.gate.world, KNOWN, self.wall)
        self._declare()

    def wall(self, at: float) -> float:
        return at + self.wall_off_s

    def tell(self, event: Any) -> None:
        answers = self.gate.tell(event)
        for fact in (event, *answers):
            if isinstance(fact, Fact):
                self.log.append(fact)
                self.see(fact, event)

    def see(self, fact: Any, event: Any) -> None:
        self.oracle.hear(fact)
        match fact:
            case FixStarted(kind="fix") if fact.fix != "wait":
                self.audit.acts[fact.service] = fact
            case _:
                self._note(fact)

    def _note(self, fact: Any) -> None:
        """What the choice of the next word wants to know."""
        match type(fact).__name__:
            case "ApprovalRequested":
                self.audit.questions[fact.id] = fact
            case "ApprovalDenied" | "ApprovalExpired":
                self.audit.over.add(fact.approval)
            case "FixVerified" | "FixFailed" | "IncidentClosed":
                self.audit.acts.pop(fact.service, None)

    def step(self) -> None:
        self.gate.at += self.random.choice((0.0, 0.25, 1.0, 1.0, 5.0, 20.0, 61.0, 300.0))
        what = self.random.choice((*WHAT, *MORE))
        getattr(self, what)(f"s{self.random.randrange(SERVICES)}")

    # --- what is declared ---

    def _windows(self) -> tuple[Maintenance, ...]:
        def clock() -> str:
            return f"{self.random.randrange(24):02}:{self.random.choice((0, 15, 30, 59)):02}"

        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        number = self.random.choice((0, 0, 0, 0, 1, 2))
        return tuple(
            Maintenance(
                start=clock(), end=clock(), days=tuple(self.random.sample(days, self.random.randint(1, 7)))
            )
            for _ in range(number)
        )

    def _declare(self) -> None:
        random, config = self.random, self.gate.world.config
        services = tuple(
            replace(service, autonomy=random.choice(AUTONOMY), maintenance=self._windows())
            for service in config.services
        )
        self.gate.world.config = Config(
            services=services,
            approvals=Approvals(approvers=(Approver(name="ann"), Approver(name="ben")), expires_s=EXPIRES_S),
            maintenance=self._windows() if random.random() < 0.3 else (),
            windows=Windows(acts_per_service_per_hour=random.randint(1, 9), acts_per_hour=random.randint(1, 20)),
            service_recovery=ServiceRecovery(
                auto_recovery_enabled=random.random() < 0.9, max_recovery_attempts=random.randint(1, 6)
            ),
        )  # fmt: skip

    def config(self, _: str) -> None:
        self._declare()
        names = tuple(service.name for service in self.gate.world.config.services)
        self.tell(ConfigChanged(digest=f"{self.n}", services=names, changed=names, why="reload"))

    # --- more that happens ---

    def trial(self, target: str) -> None:
        """A whole short incident, so that there is something to trust or not."""
        self._choose(target, self.random.choice((*[self.habit] * 9, *CHOICES)), "hang")
        question = self.gate.state.asked.get(self.incidents[target])
        if question is not None:
            self.tell(
                OperatorCommanded(
                    command="approve",
                    about=question.id,
                    by=self.random.choice(("telegram:ann", "telegram:eve")),
                )
            )
        self.apply(target)
        self.verdict(target)

    def ask(self, target: str) -> None:
        self._choose(target, self.random.choice(CHOICES), f"c{self.n % 3}")

    def _choose(self, target: str, fix: str, cause: str) -> None:
        from agents.events import FixChosen, IncidentOpened

        self.n += 1
        if target not in self.incidents:
            self.incidents[target] = f"i{self.n}"
            self.ill(target)
            self.tell(IncidentOpened(incident=f"i{self.n}", service=target, symptom="timeout", reason="r"))
        about = {"incident": self.incidents[target], "service": target, "fix": fix}
        self.tell(FixChosen(**about, cause_name=cause, culprit=target, probability=0.5, why="w"))

    def verdict(self, target: str) -> None:
        from agents.events import FixFailed, FixVerified

        act = self.audit.acts.get(target)
        if act is None or act.undo_of or not self._is_applied(act):
            return
        about = {"incident": act.incident, "service": target, "fix": act.fix}
        cause = {"cause_name": act.cause_name, "culprit": target}
        if self.random.random() < self.luck:
            self.tell(FixVerified(**about, **cause, seconds=1.0))
            self.close(target)
        else:
            self.tell(FixFailed(**about, **cause, reason="r"))

    def _is_applied(self, act: FixStarted) -> bool:
        return any(done.start.id == act.id and done.applied for done in self.oracle.acts)

    def plan(self, target: str) -> None:
        kind = self.random.choice(("chaos", "maintenance"))
        self.tell(
            ActProposed(
                service=target, kind=kind, what="kill", agent="chaos_controller", why="w", deadline_s=30.0
            )
        )

    def exit(self, target: str) -> None:
        life = self.audit.lives.get(target, "")
        self.tell(HealthChanged(service=target, health="down", symptom="exit", incarnation=life))

    def retry(self, target: str) -> None:
        if incident := self.incidents.get(target):
            rounds = self.oracle.incidents.get(incident, 0) + 1
            self.tell(IncidentRetried(incident=incident, service=target, round=rounds, reason="r"))

    def turn(self, _: str) -> None:
        self.lease = self.random.random() < 0.85

    def gap(self, _: str) -> None:
        self.gate.at += 100.0
        self.tell(ObservationResumed(gap_s=100.0))

    def disk(self, _: str) -> None:
        self.tell(StorageChanged(ok=False, problem="full"))

    def mended(self, _: str) -> None:
        self.tell(StorageChanged(ok=True))

    def pause_one(self, target: str) -> None:
        self.tell(OperatorCommanded(command="pause", service=target, by="ann"))

    def resume_one(self, target: str) -> None:
        self.tell(OperatorCommanded(command="resume", service=target, by="ann"))

    def probe(self, target: str) -> None:
        self.tell(ProbeObserved(service=target, ok=self.random.random() < 0.7))

    def jump(self, _: str) -> None:
        """Somebody sets the wall clock; steady time goes on."""
        self.wall_off_s += self.random.choice((-86400.0, -3600.0, -60.0, 60.0, 3600.0, 7 * 3600.0, 86400.0))

    def snapshot(self, _: str) -> None:
        self.saved, self.log = self.gate.reloaded(), []

    def restart(self, _: str) -> None:
        """The daemon died: the newest snapshot, and the journal behind it."""
        fresh = ActGate(self.gate.world)
        fresh.state = self.saved
        for fact in self.log:
            fresh.apply(fact)
        assert fresh.state == self.gate.state, "the state is the fold of the journal"
        self.gate.agent = fresh
        self.snapshot("")
        self.gate.at += self.random.choice((1.0, 30.0, 7200.0))
        names = tuple(service.name for service in self.gate.world.config.services)
        self.oracle.broken_disk = False  # what is wrong with it now is told after the start
        self.tell(ConfigChanged(digest="d", services=names, why="start"))
        self.tell(ObservationResumed(why="start"))


def live(seeds: range) -> Counter[str]:
    """Any number of histories; what they reached, lest they be empty ones."""
    reached: Counter[str] = Counter()
    for seed in seeds:
        history = Declared(Random(seed))
        try:
            for _ in range(history.random.randint(1, 300)):
                history.step()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, at {history.gate.at:g} s: {error}") from error
        reached.update(history.oracle.kinds)
        reached["starts"] += history.oracle.starts
    return reached


EVERY_KIND = {"fix", "undo", "chaos", "maintenance", "asked", "alone", "trusted", "starts"}


def test_no_history_makes_an_act_outside_what_is_declared() -> None:
    reached = live(range(40))  # many more in tests/integration/sweeps
    assert EVERY_KIND - {"trusted"} <= reached.keys()
    assert reached["starts"] > 200
