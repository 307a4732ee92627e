"""The part of the vocabulary in which acts are proposed, people are asked and answer; imported from agents.events."""

from typing import Literal

from utils.event import Fact


# --- planned acts: chaos_controller (later predictive_maintenance)
class ActProposed(Fact, frozen=True, kw_only=True):
    """An act that heals no incident asks the act gate for permission: FixStarted of this kind, or FixRefused."""

    kind: Literal["chaos", "maintenance", "promotion"]
    what: str  # stands as `fix` in the answer
    agent: str  # whose hands it needs
    why: str
    deadline_s: float


# --- planned acts: model_recovery
class PromotionProposed(ActProposed, frozen=True, kw_only=True):
    """A version has passed the evaluation gate and asks to become champion."""


# --- between the act gate's "a person has to agree" and its FixStarted: act_gate
class ApprovalRequested(Fact, frozen=True, kw_only=True):
    """A fix waits for a person's word. `id` is that of the question; `service` is the target."""

    fix: str
    plan: str  # digest of all that the word will hold for; another plan is another question
    what: str  # one line for people
    why: str  # what the limit says
    probability: float
    risk: str
    cause_name: str
    culprit: str
    incarnation: str = ""  # of the target, now
    expires_at: float = 0.0  # steady clock
    expires_wall: float = 0.0  # wall clock, seconds since 1970; whichever comes first
    persons: int = 1  # who have to agree
    typed: str = ""  # what a single person has to type as well, a while after the first word


class ApprovalGiven(Fact, frozen=True, kw_only=True):
    """A person agreed. The act starts as soon as no other limit stands against it."""

    approval: str  # id of the question
    fix: str
    by: str
    missing: int = 0  # words that are still needed
    typed: str = ""  # what the last one has to type


class ApprovalDenied(Fact, frozen=True, kw_only=True):
    approval: str
    fix: str
    by: str


class ApprovalExpired(Fact, frozen=True, kw_only=True):
    """The question is over without an act, and a late word for it starts nothing."""

    approval: str
    fix: str
    why: Literal["time", "plan_changed", "target_changed", "snoozed", "over"]
    reason: str = ""
    again_at: float = 0.0  # when it may be asked again at the earliest


class CommandAnswered(Fact, frozen=True, kw_only=True):
    """What a person hears who said approve, deny, snooze or undo; `cause` is the command."""

    accepted: bool
    answer: str
