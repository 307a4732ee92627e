"""Every limit on acts, one line each in one table; the first that objects decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from agents.events import FixChosen
from agents.gate.books import HOUR_S, SHUTDOWN, WAIT, Case, State, Trust, pair
from agents.gate.questions import key
from agents.gate.suspicion import Suspicion
from agents.terms import FILE, MODEL_SYMPTOMS
from analysis.beta import quantile
from analysis.calendar import window_at
from config.consents import rest_s, switched_off
from config.fixes import Fix
from config.graph import dependencies
from config.model import Service
from config.world import World

TRUSTED = 0.8  # what the 10 % quantile of the chance of success has to pass
REAL_SUCCESSES = 3  # no drill proves that a risky fix is right
BREAKER_FAILURES = 3  # within an hour
BREAKER_REST_S = 900.0
SHARE_IN_FLIGHT = 0.2
RESPAWNS_IN_FLIGHT = 10
ILL_IN_FLIGHT = 3  # who is ill already is disrupted no further; from four on we suspect ourselves
IN_FLIGHT_S = 30.0  # a boot that takes longer waits for something, and disturbs nobody any more
SEEN_OTHERWISE = frozenset({"file_damaged", "failure_predicted", "given_up", "silent"}) | MODEL_SYMPTOMS
STAGGER_STARTS = 5
STAGGER_S = 0.2  # below the tick, so that each tick may start as many again


@dataclass(frozen=True)
class Question:
    """May this choice become an act at this time?"""

    world: World
    state: State
    suspicion: Suspicion
    choice: FixChosen
    at: float
    approved: bool = False  # by as many people as it needs

    @property
    def target(self) -> str:
        return self.choice.service

    @cached_property
    def service(self) -> Service | None:
        return self.world.target(self.target)

    @cached_property
    def fix(self) -> Fix | None:
        return self.world.fixes.get(self.choice.fix)

    @property
    def for_exit(self) -> bool:
        """The target's end was seen: a fact, not an opinion of a probe."""
        return self.target in self.state.exits

    @property
    def starts_what_ended(self) -> bool:
        """What is dead can only be started; the pauses between rounds keep that from being a storm."""
        return self.for_exit and self.fix is not None and self.fix.only_starts_anew


class Limit(NamedTuple):
    name: str
    objects: Callable[[Question], str]  # the reason, or nothing
    final: bool  # another fix may still be chosen; else the choice waits until the reason is gone


class Objection(NamedTuple):
    limit: str
    reason: str
    final: bool


def objection(question: Question) -> Objection | None:
    harmless = question.choice.fix == WAIT
    return _first(question, LIMITS[:HARMLESS_TOO] if harmless else LIMITS)


def undo_objection(question: Question) -> Objection | None:
    """Taking an act back mends what we did ourselves: no budget, attempt or doubt stands against it."""
    return _first(question, [limit for limit in LIMITS if limit.name in UNDO_TOO])


def planned_objection(question: Question, kind: str) -> Objection | None:
    """An act that heals nothing has to wait for nobody and to stand aside for everybody. A promotion completes the
    retraining that made the version, whose verdict waits for just that."""
    open_act = question.state.open_acts.get(question.target)
    completes = kind == "promotion" and open_act is not None and bool(open_act.outcome)
    kept = (*PLANNED_TOO, *MAINTAINED_TOO) if kind == "maintenance" else PLANNED_TOO
    names = [name for name in kept if not (completes and name == "open_act")]
    against = _first(question, [limit for limit in LIMITS if limit.name in names])
    if against is None and kind in {"chaos", "maintenance"} and (why := _disturbs(question)):
        return Objection("incident_open", why, final=True)
    return against


def _disturbs(q: Question) -> str:
    config = q.world.config
    near = {q.target, *dependencies(config, q.target)}
    near |= {s.name for s in config.services if q.target in dependencies(config, s.name)}
    ill = sorted(near & ({case.service for case in q.state.cases.values()} | q.state.ill.keys()))
    return f"there is trouble with {', '.join(ill)} already" if ill else ""


def _first(question: Question, limits: Sequence[Limit]) -> Objection | None:
    for limit in limits:
        if reason := limit.objects(question):
            return Objection(limit.name, reason, limit.final)
    return None


def _unknown(q: Question) -> str:
    if q.fix is None:
        return f"no fix is called {q.choice.fix!r}"
    return "" if q.service is not None else f"no service is called {q.target!r}"


def _over(q: Question) -> str:
    return "" if q.choice.incident in q.state.cases else "its incident is over"


def _stopped(q: Question) -> str:
    why = q.state.stopped.get(q.target)
    return f"{q.target} was stopped on purpose ({why})" if why else ""


def _dry_run(q: Question) -> str:
    return f"dry run: would have applied {q.choice.fix} to {q.target}" if q.world.dry_run else ""


def _observed(q: Question) -> str:
    only_watched = q.service is not None and q.service.autonomy == "observe"
    return f"autonomy observe: would have applied {q.choice.fix} to {q.target}" if only_watched else ""


def _disabled(q: Question) -> str:
    return switched_off(q.world.config, q.fix)


def _attempts(q: Question) -> str:
    case = q.state.cases[q.choice.incident]
    allowed = q.world.config.service_recovery.max_recovery_attempts + case.rounds
    return f"{case.attempts} attempts in this incident did not help" if case.attempts >= allowed else ""


def _denied(q: Question) -> str:
    by = q.state.denied.get(key(q.choice.incident, q.choice.fix))
    return f"{by} said no to {q.choice.fix} in this incident" if by else ""


def _breaker(q: Question) -> str:
    failures = [at for at in q.state.failed.get(pair(q.target, q.choice.fix), ()) if q.at - at < HOUR_S]
    if q.starts_what_ended or len(failures) < BREAKER_FAILURES or q.at - failures[-1] >= BREAKER_REST_S:
        return ""
    return f"{q.choice.fix} failed {len(failures)} times in an hour for {q.target} and rests"


def _paused(q: Question) -> str:
    paused = q.state.paused
    by = next((paused[key] for key in paused if key in {"", SHUTDOWN, q.target} or key.startswith(FILE)), "")
    return f"paused by {by}" if by else ""


def _maintenance(q: Question) -> str:
    if q.approved or q.service is None:
        return ""
    window = window_at((*q.service.maintenance, *q.world.config.maintenance), q.world.unix(q.at))
    return f"people work on {q.target} until {window.end} ({window.timezone})" if window else ""


def _lease(q: Question) -> str:
    return q.world.why_not_ours(q.service) if q.service is not None else q.world.lease()


def _approval(q: Question) -> str:
    if q.approved or q.fix is None or q.service is None:
        return ""
    if q.fix.risk == "destructive":
        return f"{q.fix.name} is destructive: a person has to agree"
    if q.service.autonomy == "suggest":
        return f"autonomy suggest: a person has to agree to {q.fix.name}"
    trust = q.state.trust.get(pair(q.choice.cause_name, q.fix.name), Trust())
    safe = q.fix.risk == "safe" and (not trust.harms or q.fix.only_starts_anew)
    if safe or q.service.autonomy == "auto":
        return ""
    sure = quantile(0.1, 1.0 + trust.successes, 1.0 + trust.failures)
    if sure > TRUSTED and trust.real >= REAL_SUCCESSES:
        return ""
    record = (
        f"{trust.successes:g} good since its last failure, {trust.real} of them real, {trust.failures} bad"
    )
    return f"{q.fix.name} for {q.choice.cause_name} is not trusted yet ({record}: {sure:.2f} of {TRUSTED})"


def _storage(q: Question) -> str:
    problem = q.state.storage.get("")
    safe = q.fix is not None and q.fix.risk == "safe"
    return f"the state folder fails ({problem}): only safe fixes" if problem and not safe else ""


def _open_act(q: Question) -> str:
    act = q.state.open_acts.get(q.target)
    return f"{act.fix} of {q.target} has no verdict yet" if act else ""


def _just_acted(q: Question) -> str:
    """Chosen before another incident's act on the same target ended: see first whether that helped here too."""
    ended = q.state.ended.get(q.target)
    if ended is None or ended.incident == q.choice.incident or q.choice.at >= ended.at:
        return ""
    young = q.at - ended.at < q.world.config.windows.passive_wait_s
    return f"another incident's fix of {q.target} has just ended" if young else ""


def _suspicion(q: Question) -> str:
    case = q.state.cases.get(q.choice.incident, Case(""))
    by_probes_alone = not q.for_exit and case.symptom not in SEEN_OTHERWISE
    return q.suspicion.reason(q.service, q.choice.at, q.at) if by_probes_alone and q.service else ""


def _cooldown(q: Question) -> str:
    started = q.state.started.get(pair(q.target, q.choice.fix))
    cools = started is not None and q.at - started < rest_s(q.world.config, q.fix)
    return f"{q.choice.fix} of {q.target} cools down" if cools else ""


def _budget(q: Question) -> str:
    windows = q.world.config.windows
    mine = [spent for spent in q.state.spent.get(q.target, ()) if q.at - spent.at < HOUR_S]
    if not q.starts_what_ended and len(mine) >= windows.acts_per_service_per_hour:
        return f"{len(mine)} acts on {q.target} within an hour without success"
    everybody = [
        s for acts in q.state.spent.values() for s in acts if q.at - s.at < HOUR_S and not s.for_exit
    ]
    if not q.for_exit and len(everybody) >= windows.acts_per_hour:
        return f"{len(everybody)} acts within an hour without success"
    return ""


def _disruption(q: Question) -> str:
    acts = [
        target
        for target, act in q.state.open_acts.items()
        if not act.outcome and act.for_exit is q.for_exit and q.at - act.at < IN_FLIGHT_S
    ]
    flying = [target for target in acts if not _waits_for_another(q, target)]
    share = int(SHARE_IN_FLIGHT * len(q.world.config.services))
    least = RESPAWNS_IN_FLIGHT if q.for_exit else ILL_IN_FLIGHT if q.target in q.state.ill else 1
    allowed = max(least, share)
    return f"{len(flying)} acts in flight, {allowed} at once at most" if len(flying) >= allowed else ""


def _waits_for_another(q: Question, target: str) -> bool:
    """Its boot lacks a dependency that ended, or just the one that this choice would heal."""
    needed = dependencies(q.world.config, target)
    return any(name in q.state.exits or name == q.target for name in needed)


def _stagger(q: Question) -> str:
    recent = sum(q.at - spent.at < STAGGER_S for acts in q.state.spent.values() for spent in acts[-1:])
    return f"{recent} acts started just now" if recent >= STAGGER_STARTS else ""


LIMITS: tuple[Limit, ...] = (
    Limit("unknown", _unknown, final=True),
    Limit("incident_over", _over, final=True),
    Limit("stopped", _stopped, final=True),
    Limit("dry_run", _dry_run, final=True),
    Limit("observe", _observed, final=True),
    Limit("recovery_disabled", _disabled, final=True),
    Limit("attempts", _attempts, final=True),
    Limit("denied", _denied, final=True),
    Limit("breaker", _breaker, final=True),
    Limit("paused", _paused, final=False),
    Limit("lease", _lease, final=False),
    Limit("maintenance", _maintenance, final=False),
    Limit("disk", _storage, final=False),
    Limit("open_act", _open_act, final=False),
    Limit("just_acted", _just_acted, final=False),
    Limit("suspicion", _suspicion, final=False),
    Limit("cooldown", _cooldown, final=False),
    Limit("budget", _budget, final=False),
    Limit("disruption", _disruption, final=False),
    Limit("stagger", _stagger, final=False),
    Limit("approval", _approval, final=False),  # last: nobody is asked for what could not be done now
)
PLANNED_TOO = (
    "stopped", "dry_run", "observe", "paused", "lease", "maintenance", "disk", "open_act", "suspicion", "budget",
)  # fmt: skip
MAINTAINED_TOO = ("recovery_disabled", "breaker", "cooldown", "disruption")
UNDO_TOO = ("unknown", "stopped", "dry_run", "observe", "paused", "lease", "open_act")
HARMLESS_TOO = 2  # so many at the head of the table hold for waiting as well
