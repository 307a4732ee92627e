"""What an incident is, in frozen records."""

from typing import Literal

from msgspec import Struct

from agents.events import Cause
from agents.terms import MODEL_SYMPTOMS

Status = Literal["open", "waiting_approval", "recovering", "verifying", "closed", "escalated", "withdrawn"]
Kind = Literal["exit", "probe", "file", "prediction", "alert", "model"]
KIND_OF_SYMPTOM: dict[str, Kind] = {
    "exit": "exit",
    "found_dead": "exit",
    "file_damaged": "file",
    "failure_predicted": "prediction",
    "alert": "alert",
    **dict.fromkeys(sorted(MODEL_SYMPTOMS), "model"),
}
ENDED = ("closed", "withdrawn")
TIMELINE_LINES = 80
SYMPTOMS = 12
ACTS = 50
FAULTS = 20


class Act(Struct, frozen=True, omit_defaults=True, gc=False):
    """One fix from permission to verdict. `id` is that of its FixStarted."""

    id: str
    fix: str
    target: str
    layer: str
    cause_name: str
    culprit: str
    started_at: float
    deadline_s: float = 86400.0
    patience_s: float = 0.0  # of waiting; 0: the usual time
    outcome: Literal["started", "applied", "verified", "failed", "interrupted", "dropped"] = "started"
    how: str = ""  # FixApplied.outcome
    applied_at: float = 0.0
    after: str = ""  # incarnation of the target after the act; empty: any
    seconds: float = 0.0
    undo: str = ""
    undone: bool = False
    reason: str = ""
    suspect: str = (
        ""  # how its target ended by itself before its verdict; empty: it did not, or that was told
    )

    @property
    def in_hand(self) -> bool:
        return self.outcome in {"started", "applied"}


class Fault(Struct, frozen=True, omit_defaults=True, gc=False):
    """An incident is about one, unless another one came before a fix of it was verified."""

    at: float
    symptom: str
    cause: Cause | None = None


class Line(Struct, frozen=True, gc=False):
    at: float
    text: str


class Incident(Struct, frozen=True, omit_defaults=True, gc=False):
    """Everything known about one incident; `id` is that of the fact that opened it."""

    id: str
    service: str
    opened_at: float
    first_sign_at: float
    symptom: str
    kind: Kind
    incarnation: str = ""
    status: Status = "open"
    closed_at: float | None = None
    outcome: str = ""
    symptoms: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()  # declared files that fail their check
    faults: tuple[Fault, ...] = ()
    cause: Cause | None = None
    rivals: tuple[Cause, ...] = ()
    acts: tuple[Act, ...] = ()
    waits_for: str = ""  # the limit that holds a chosen fix back
    question: str = ""  # id of the question that people have not answered yet
    asks_for: str = ""  # what it asks, in one line
    escalated_at: float = 0.0
    rounds: int = 0  # of slow probing
    sign_at: float = 0.0  # the newest symptom,
    sign: str = ""  # and what it was
    touched_at: float = 0.0
    message: str = ""
    timeline: tuple[Line, ...] = ()

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def shown_status(self) -> Status:
        """While nothing is in hand, an open question is what an incident waits for."""
        waits = self.question and self.act is None and self.status in {"open", "escalated"}
        return "waiting_approval" if waits else self.status

    @property
    def act(self) -> Act | None:
        """The act that waits for its outcome or its verdict."""
        return self.acts[-1] if self.acts and self.acts[-1].in_hand else None
