"""Fix selector: chooses the one fix to try next, by learnt probability of success, cost and risk.

It chooses on CauseFound, which the root-cause engine sends once for each opened, retried or unhealed incident, and on a
final FixRefused. It never chooses twice for one failure, because a choice stays open until its outcome is known.
"""

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from agents.agent import Results, Traits
from agents.events import (
    Cause,
    CauseFound,
    ConfigChanged,
    Event,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    LessonLearned,
)
from agents.lessons import keep, lesson_key
from agents.selecting.prospects import Beliefs, Prospects, bearable
from analysis.asked import remedy_in
from analysis.bandit import Outcomes
from analysis.choice import Option, led
from analysis.ledger import WAIT, entered
from analysis.root_cause import UNKNOWN
from config.model import Service
from config.ourselves import is_drill
from config.world import World
from utils.alone import run_alone

__all__ = ["IntelligentFixSelector", "State"]

STARTERS = ("respawn", "restart_service")  # what a dead caller may get though another is to blame
MADE = frozenset({"bad_deploy", "config_error"})  # by somebody: no waiting ends them
# Refusals that hold for every other fix too, so that asking for one more is of no use.
REFUSES_ALL = frozenset({"attempts", "dry_run", "incident_over", "observe", "recovery_disabled", "stopped"})
WORTH_TURNING_TO = 0.25
PATIENCE_BOOTS = 3
FIRM = 2  # so many independent witnesses against a culprit
FIRM_DISCOUNT = 0.5  # what they leave of the prospects of waiting
BRIEF_WAIT_S = 6.0  # where there is a witness at all
HARM_WEIGHT = 6.0  # one act that made things worse says as much as so many that merely did not help
OFTEN = 0.6  # where waiting helped more often than this there is no haste


class Case(Struct, frozen=True):
    """One open incident: what was found, what was tried."""

    service: str
    found: CauseFound | None = None
    tried: tuple[tuple[str, str], ...] = ()  # (fix, target), in order, repeats included
    refused: int = 0  # of those tried, how many never started
    passed: bool = False  # when the pending fix was to begin, the symptom was gone
    brief: bool = False  # it was waited for a short time only
    pending: str = ""  # the fix that awaits its outcome, or has healed it: nothing is chosen beside it


class State(Struct):
    """`rates` is what fixes have achieved, by CAUSE/FIX."""

    cases: dict[str, Case] = field(default_factory=dict)  # by incident
    rates: dict[str, Outcomes] = field(default_factory=dict)
    health: dict[str, str] = field(default_factory=dict)  # by service
    lessons: dict[str, LessonLearned] = field(default_factory=dict)  # of order and of waiting, in force


class IntelligentFixSelector:
    name = "intelligent_fix_selector"
    consumes: tuple[type[Event], ...] = (
        CauseFound, FixApplied, FixFailed, HarmFound, FixRefused, FixVerified, IncidentOpened, IncidentClosed, IncidentEscalated,
        HealthChanged, ConfigChanged, LessonLearned,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (FixChosen, FixesExhausted)
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()

    # --- decide ---

    def handle(self, event: Event) -> Results:
        if isinstance(event, CauseFound):
            case = self._case(event)
            return () if case.pending else [self._choose(replace(case, found=event))]
        if isinstance(event, FixRefused) and event.final:
            case = self._case(event)
            if case.pending != event.fix:
                return ()
            if event.limit in REFUSES_ALL:
                return [
                    FixesExhausted(service=case.service, reason=f"{event.fix} was refused: {event.reason}")
                ]
            return [self._choose(_refused(case))]
        return ()

    def _choose(self, case: Case) -> FixChosen | FixesExhausted:
        service, found = self.world.target(case.service), case.found
        if service is None or found is None:
            return FixesExhausted(service=case.service, reason=f"{case.service} is not configured any more")
        culprit = self.world.target(found.best.service)
        if culprit is None or culprit.name == service.name:
            return self._treat(case, service, found)
        chosen = self._treat_dependant(case, service, culprit, found)
        own = _of_its_own(found)
        if isinstance(chosen, FixesExhausted) and own and not self._heals_itself(culprit):
            return self._treat(case, service, replace(found, best=own[0], rivals=own[1:]))
        return chosen

    def _treat(self, case: Case, service: Service, found: CauseFound) -> FixChosen | FixesExhausted:
        """The service itself is ill: every cause that is its own counts with its confidence, the unknown with the rest."""
        known = (found.best, *found.rivals)
        rest = max(0.0, 1.0 - sum(cause.confidence for cause in known))
        own = [(c.name, c.confidence) for c in known if c.service == service.name and c.name != UNKNOWN]
        options = self._options(service, found, [*own, (UNKNOWN, rest)])
        return self._pick(case, service, bearable(options, found.best), found.best)

    def _treat_dependant(
        self, case: Case, service: Service, culprit: Service, found: CauseFound
    ) -> FixChosen | FixesExhausted:
        """Another service is to blame: while there is a fix for that, the caller is not restarted as long as it lives."""
        cause = found.best
        beliefs = [(cause.name, cause.confidence)]
        own = self._options(service, found, beliefs)
        if self._is_down(service):
            options = [option for option in own if option.fix.name in STARTERS]
            return self._pick(case, service, options, cause)
        waits = [option for option in own if option.fix.name == WAIT]
        options = [option for option in self._options(culprit, found, beliefs) if option.fix.name != WAIT]
        if cause.name in MADE and not self._heals_itself(culprit):
            return self._pick(case, culprit, options, cause)
        waited = (WAIT, service.name) in case.tried and (cause.witnesses > 0 or not case.brief)
        if self._heals_itself(culprit) or not waits:
            return self._pick(case, service, waits, cause)
        if waited or self._waits_in_vain(culprit, cause, waits, options):
            return self._pick(case, culprit, options, cause)
        chosen = self._pick(case, service, waits, cause)
        brief = bool(options) and cause.witnesses > 0 and waits[0].probability < OFTEN * cause.confidence
        if isinstance(chosen, FixChosen) and brief:
            return replace(chosen, patience_s=min(BRIEF_WAIT_S, self.world.config.windows.passive_wait_s))
        return chosen

    def _pick(
        self, case: Case, target: Service, options: Sequence[Option], cause: Cause
    ) -> FixChosen | FixesExhausted:
        untried = [option for option in options if (option.fix.name, target.name) not in case.tried]
        attempt = len(case.tried) - case.refused + 1
        again = len(options) == 1 and attempt <= self.world.config.service_recovery.max_recovery_attempts
        ranked = untried or (list(options) if again and not case.refused else [])
        if not ranked:
            tried = ", ".join(dict.fromkeys(fix for fix, _ in case.tried)) or "none applies"
            reason = f"no fix for {cause.name} of {target.name} is left (tried: {tried}){self._asked(case)}"
            return FixesExhausted(service=case.service, reason=reason)
        taught = self._lesson("ladder", target, cause)
        best, *others = led(ranked, taught.order if taught else ())
        waits = self._lesson("wait", target, cause) if best.fix.name == WAIT else None
        better = any(option.probability >= WORTH_TURNING_TO for option in others)
        return FixChosen(
            service=target.name,
            fix=best.fix.name,
            cause_name=best.cause,
            culprit=cause.service,
            probability=round(best.probability, 3),
            why="; ".join([self._why(best, others, target, cause), *([taught.why] if taught else [])]),
            attempt=attempt,
            patience_boots=PATIENCE_BOOTS if better else 0,
            patience_s=waits.value if waits else 0.0,
        )

    def _asked(self, case: Case) -> str:
        """What people may do where we cannot: the kind of remedy that the words ask for, and the fixes that are of it."""
        found = [case.found.best, *case.found.rivals] if case.found else []
        if not (remedy := remedy_in(sentence for cause in found for sentence in cause.evidence)):
            return ""
        ours = ", ".join(fix.name for fix in self.world.fixes.values() if fix.remedy == remedy) or "none"
        return f"; what was said asks for {remedy} (fixes of that kind: {ours})"

    def _options(self, target: Service, found: CauseFound, beliefs: Beliefs) -> list[Option]:
        prospects = Prospects(self.world, self.state.rates, is_down=self._is_down(target))
        return prospects.options(target, found, beliefs)

    def _lesson(self, topic: str, target: Service, cause: Cause) -> LessonLearned | None:
        """Only on what is said to be the target's own trouble, or on waiting for another's end."""
        own = topic == "wait" or cause.service == target.name
        return self.state.lessons.get(lesson_key(topic, target.name, cause.name)) if own else None

    def _is_down(self, service: Service) -> bool:
        return self.state.health.get(service.name) == "down"

    def _heals_itself(self, culprit: Service) -> bool:
        """Whether the culprit has an incident of its own, whose fixes are not ours to repeat."""
        return any(case.service == culprit.name for case in self.state.cases.values())

    def _waits_in_vain(
        self, culprit: Service, cause: Cause, waits: Sequence[Option], options: Sequence[Option]
    ) -> bool:
        """Experience or witnesses say that a culprit whose own probe is good, so that nobody else will treat it, stays
        as it is."""
        unseen = self.state.health.get(culprit.name) == "healthy"
        prospects = FIRM_DISCOUNT if cause.witnesses >= FIRM else 1.0
        return unseen and bool(options) and prospects * waits[0].value < options[0].value

    def _case(self, event: Event) -> Case:
        return self.state.cases.get(event.incident) or Case(event.service)

    def _why(self, best: Option, others: Sequence[Option], target: Service, cause: Cause) -> str:
        sure = f"{cause.name} of {cause.service} ({cause.confidence:.0%} sure)"
        blamed = sure if cause.name != UNKNOWN else "whatever the cause is"
        rivals = ", ".join(f"{option.fix.name} {option.probability:.0%}" for option in others[:3])
        outcomes = self.state.rates.get(f"{best.cause}/{best.fix.name}", Outcomes())
        well, times = outcomes.counts.get(target.name, (0, 0))
        record = f"; here it helped {well} of {times} times" if times else ""
        return f"{blamed}: {best.fix.title} should help in {best.probability:.0%}{record}; others: {rivals or 'none'}"

    # --- remember ---

    def apply(self, fact: Event) -> None:
        cases = self.state.cases
        match fact:
            case HealthChanged():
                self.state.health[fact.service] = fact.health
            case IncidentOpened():
                cases[fact.incident] = Case(fact.service)
            case IncidentClosed():
                cases.pop(fact.incident, None)
            case IncidentEscalated() if fact.incident in cases:
                cases[fact.incident] = Case(fact.service)  # a new round may choose every fix again
            case LessonLearned(topic="ladder" | "wait"):
                keep(self.state.lessons, fact)
            case ConfigChanged() if fact.why != "refused":
                for name in fact.removed:
                    self.state.health.pop(name, None)
        if isinstance(fact, FixVerified | FixFailed | HarmFound) and not is_drill(fact.service):
            self._learn(fact)
        if fact.incident in cases:
            cases[fact.incident] = _after(cases[fact.incident], fact)

    def _learn(self, fact: FixVerified | FixFailed | HarmFound) -> None:
        weight = 1.0
        if isinstance(fact, HarmFound):
            weight = HARM_WEIGHT - 1.0  # its failure has counted once
        elif isinstance(fact, FixFailed):
            if fact.interrupted:
                return
            weight = HARM_WEIGHT if fact.harmful else 1.0
        healed = isinstance(fact, FixVerified)
        case = self.state.cases.get(fact.incident)
        passed = healed and case is not None and case.passed  # before anything was done
        fix = WAIT if passed else fact.fix
        self.state.rates = entered(
            self.state.rates, fact.cause_name, fix, fact.service, healed=healed, weight=weight
        )


def _of_its_own(found: CauseFound) -> tuple[Cause, ...]:
    """The rivals that blame the service itself, as likely as they are if the best cause is not the true one."""
    own = [rival for rival in found.rivals if rival.service == found.service]
    left = max(1.0 - found.best.confidence, sum(rival.confidence for rival in own))
    return tuple(replace(rival, confidence=rival.confidence / left) for rival in own if left)


def _refused(case: Case) -> Case:
    return replace(case, pending="", refused=case.refused + 1)


def _after(case: Case, fact: Event) -> Case:
    match fact:
        case CauseFound() if not case.pending:
            return replace(case, found=fact)
        case FixChosen():
            tried = (*case.tried, (fact.fix, fact.service))
            return replace(case, tried=tried, pending=fact.fix, passed=False, brief=fact.patience_s > 0)
        case FixApplied() if fact.fix == case.pending:
            return replace(case, passed=fact.outcome == "symptom_gone")
        case FixRefused() if fact.final and fact.fix == case.pending:
            return _refused(case)
        case FixFailed() if fact.fix == case.pending:
            # to a new fault every fix is new again
            return Case(case.service) if fact.interrupted else replace(case, pending="")
    return case


if __name__ == "__main__":
    run_alone(__file__)
