"""The part of the vocabulary that tells of maintenance ahead of failures; imported from agents.events."""

from typing import Literal

from agents.consent import ActProposed
from utils.event import Fact


# --- predict: predictive_maintenance
class HourEnded(Fact, frozen=True, kw_only=True):
    """How busy each service was in an hour that is over: the mean of its load. (predictive_maintenance)"""

    hour: int  # of the week, from Monday 00:00 where people live (notify.timezone)
    names: tuple[str, ...]
    loads: tuple[float, ...]


class MaintenanceScheduled(Fact, frozen=True, kw_only=True):
    """A failure is foreseen and will be prevented in a quiet hour before it; said again with the same `plan`, it is moved.
    (predictive_maintenance)"""

    plan: str  # what people and later events call it
    failure: str  # a CauseName, or "wear"
    metric: str
    fix: str  # empty: nothing of ours prevents it, so people have to
    agent: str  # whose hands the fix needs
    act_deadline_s: float = 0.0
    start_at: float  # steady clock, as the next two
    latest_at: float  # later it would come too late
    fails_at: float  # as far as can be foreseen
    start_wall: float = 0.0  # seconds since 1970, as the next one
    fails_wall: float = 0.0
    confidence: float = 0.0
    incarnation: str = ""  # the life that it is about
    disturbs: tuple[str, ...] = ()  # services that need this one
    reasons: tuple[str, ...] = ()
    moved: bool = False


class MaintenanceCancelled(Fact, frozen=True, kw_only=True):
    """What was foreseen is foreseen no more, or was overtaken. (predictive_maintenance)"""

    plan: str
    why: Literal["faded", "other_life", "trouble", "removed"]
    reason: str


# --- own prevention: render_prevention_agent
class MaintenanceProposed(ActProposed, frozen=True, kw_only=True):
    """The time of a plan has come: it asks the act gate for permission. (render_prevention_agent)"""

    plan: str


class MaintenanceVetoed(Fact, frozen=True, kw_only=True):
    """A person said no to a plan. (render_prevention_agent)"""

    plan: str
    by: str


class VetoRefused(Fact, frozen=True, kw_only=True):
    """A person said no where that changes nothing. (render_prevention_agent)"""

    plan: str
    by: str
    reason: str


class MaintenanceDone(Fact, frozen=True, kw_only=True):
    """A plan is over. "missed": no limit let it happen in time. (render_prevention_agent)"""

    plan: str
    fix: str
    outcome: Literal["done", "failed", "missed"]
    reason: str = ""
    seconds: float = 0.0  # from permission until the service was well again
