"""The act gate's books: what it remembers of acts, choices and circumstances."""

from msgspec import Struct, field

from agents.events import FixChosen
from agents.gate.questions import Questions
from agents.gate.ways_back import WAIT as WAIT

HOUR_S = 3600.0
OFF = ("operator", "removed", "unused")
EXITS = ("exit", "found_dead")
SHUTDOWN = "*"  # a pause that ends with the next start


class Case(Struct, frozen=True, gc=False):
    """An open incident."""

    symptom: str
    service: str = ""  # empty in books of an older version
    drill: bool = False  # it was opened while a chaos act was under way on its service
    attempts: int = 0
    rounds: int = 0  # of slow probing; each allows one attempt more


class OpenAct(Struct, frozen=True, gc=False):
    """From permission to verdict. An orphan's incident ended while it was being applied."""

    id: str
    incident: str
    fix: str
    at: float
    for_exit: bool
    outcome: str = ""  # FixApplied.outcome
    orphan: bool = False
    agent: str = ""  # whose hands it is in; empty in books of an older version
    unjudged: bool = False  # it ends when it was applied: taking another one back, or planned


class Planned(Struct, frozen=True, gc=False):
    """A fault on purpose that is under way; fixes of the same service are not held up by it."""

    id: str
    until: float


class Spent(Struct, frozen=True, gc=False):
    """An act that counts against budgets until it is verified."""

    id: str
    at: float
    for_exit: bool
    incident: str = ""  # empty in books of an older version


class Ended(Struct, frozen=True, gc=False):
    incident: str
    at: float


class Pending(Struct, frozen=True, gc=False):
    """A choice that waits until the limit's reason is gone."""

    choice: FixChosen
    limit: str = ""
    since: float = 0.0  # when it was first held back; 0: not yet
    reminded: int = 0  # how many reminders were due when people were last told


class Trust(Struct, frozen=True, gc=False):
    """Since its last failure. A success in a drill counts one third, and is no real one."""

    successes: float = 0
    failures: int = 0
    real: int = 0
    harms: int = 0  # how often it made things worse, ever


class State(Questions):
    cases: dict[str, Case] = field(default_factory=dict)  # by incident
    pending: dict[str, Pending] = field(default_factory=dict)  # by incident
    drills: dict[str, Planned] = field(default_factory=dict)  # by target
    open_acts: dict[str, OpenAct] = field(default_factory=dict)  # by target: one at most
    ended: dict[str, Ended] = field(default_factory=dict)  # by target: the last act that was decided
    spent: dict[str, tuple[Spent, ...]] = field(default_factory=dict)  # by target
    started: dict[str, float] = field(default_factory=dict)  # by target and fix
    failed: dict[str, tuple[float, ...]] = field(default_factory=dict)  # by target and fix
    interrupted: dict[str, tuple[float, ...]] = field(default_factory=dict)  # by target and fix; pardoned
    trust: dict[str, Trust] = field(default_factory=dict)  # by cause and fix
    exits: dict[str, str] = field(default_factory=dict)  # the incarnation whose end we saw
    ill: dict[str, str] = field(default_factory=dict)  # services that are unhealthy or down: which of the two
    incarnations: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)  # on purpose: why
    paused: dict[str, str] = field(default_factory=dict)  # by whom; key "", "*" or "file ...": everything
    storage: dict[str, str] = field(default_factory=dict)  # key "": the problem, while there is one

    def copy(self) -> "State":
        return State(**{name: dict(getattr(self, name)) for name in self.__struct_fields__})


def pair(left: str, right: str) -> str:
    return f"{left} {right}"
