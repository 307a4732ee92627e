"""Root-cause engine: answers each opened, retried or unhealed incident at once with ranked causes and their evidence.

The engine and the fix selector shake hands so: every IncidentOpened, IncidentRetried and FixFailed is answered with
exactly one CauseFound, also when the ranking is as before, and the selector chooses on CauseFound. So there is one
choice for each failure, made with the newest evidence.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from agents.agent import Results, Traits
from agents.causes.around import Recent, figures_around
from agents.causes.memory import (
    Case,
    Confirmed,
    Notes,
    State,
    answered,
    configured,
    note,
    relapsed,
    vindicated,
)
from agents.causes.models import TROUBLES, of_model
from agents.causes.views import Views, seen, view_of
from agents.events import (
    AdviceGiven,
    AlertReceived,
    AnomalyDetected,
    Cause,
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    Event,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixFailed,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    IncidentRetried,
    ProbeObserved,
    ServiceSampled,
    ServiceStarted,
    StartRetried,
)
from agents.terms import MODEL_SYMPTOMS
from analysis.asked import asked
from analysis.evidence import Peer, Scene, View
from analysis.root_cause import UNKNOWN, Ranked, rank
from analysis.symptoms import looks_like, signature
from config.model import Service
from config.ourselves import agent_of
from config.world import World
from utils.alone import run_alone

__all__ = ["RcaEngine", "State"]

SERVICE_FACTS = (
    HealthChanged,
    AnomalyDetected,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    ChangeObserved,
    StartRetried,
    ServiceStarted,
    AlertReceived,
)
NO_NOTES = Notes()
MOST_KNOWLEDGE = 1000
STARTS = frozenset({"respawn", "kill_restart", "restart", "restart_service"})
OF_OTHERS = frozenset({"network_latency", "packet_loss", "traffic_spike"})
CRASH = "crash"  # that a boot ended is no news
NOTHING_CLEAR = "nothing that was seen speaks clearly for one cause"
RECONSIDERED = 0.8  # how sure to be before an answer is taken back while a fix is under way


class RcaEngine:
    name = "rca_engine"
    consumes: tuple[type[Event], ...] = (
        *SERVICE_FACTS, *TROUBLES, IncidentOpened, IncidentRetried, IncidentClosed, FixFailed, FixVerified, ConfigChanged,
        ServiceSampled, ProbeObserved,
        AdviceGiven,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (CauseFound,)
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._recent = Recent()

    def handle(self, event: Event) -> Results:
        match event:
            case ServiceSampled() | ProbeObserved() | ConfigChanged():
                self._recent.hear(event)
            case IncidentOpened():
                return [self._diagnose(event.at, Case(event.service, event.symptom, event.reason))]
            case IncidentRetried():
                return [self._diagnose(event.at, replace(self._case(event), refuted=()))]
            case FixFailed():
                return [self._diagnose(event.at, self._after_failure(event))]
            case StartRetried() if event.incident in self.state.cases:
                return self._reconsider(event, event.incident)
            case FileDamaged():
                open_ones = (key for key, case in self.state.cases.items() if case.service == event.service)
                return self._reconsider(event, incident) if (incident := next(open_ones, "")) else ()
        return ()

    def _reconsider(self, event: StartRetried | FileDamaged, incident: str) -> Results:
        """A boot that fails, and a file that turns out to be damaged, may show the true cause of what is open."""
        case = self.state.cases[incident]
        notes = note(self._notes(event.service), event)
        found = replace(self._diagnose(event.at, case, {event.service: notes}), incident=incident)
        own, best = found.best.service == case.service, found.best
        sure = not own or (best.confidence >= RECONSIDERED and best.name not in {CRASH, UNKNOWN})
        return [found] if sure and (found.best.name, found.best.service) != case.found else ()

    def apply(self, fact: Event) -> None:
        cases = self.state.cases
        match fact:
            case IncidentOpened():
                case = Case(fact.service, fact.symptom, fact.reason, opened_at=fact.at)
                cases[fact.incident] = replace(
                    case, signature=signature(self._view_without_config(fact.service))
                )
            case IncidentRetried():
                cases[fact.incident] = replace(self._case(fact), refuted=())
            case FixFailed():
                cases[fact.incident] = self._after_failure(fact)
            case FixVerified():
                self._learn(fact)
                notes = relapsed(self._notes(fact.service), fact)
                self.state.notes[fact.service] = vindicated(notes, fact.cause_name)
            case CauseFound() | AdviceGiven() if fact.incident in cases:
                cases[fact.incident] = answered(cases[fact.incident], fact)
            case IncidentClosed():
                cases.pop(fact.incident, None)
            case ConfigChanged():
                self._reconfigure(fact)
            case _ if isinstance(fact, TROUBLES):
                self._hear_of_model(fact)
            case _ if isinstance(fact, SERVICE_FACTS) and fact.service:
                self.state.notes[fact.service] = note(self.state.notes.get(fact.service, NO_NOTES), fact)

    def _hear_of_model(self, fact: HealthChanged) -> None:
        """An open incident is about what ails the model now: its table is whole again, and now it drifts."""
        for incident, case in self.state.cases.items():
            if case.service == fact.service and fact.symptom:
                self.state.cases[incident] = replace(case, symptom=fact.symptom, told=fact.reason)

    def _after_failure(self, failed: FixFailed) -> Case:
        """A fix that was interrupted is refuted by nothing, and what interrupted it looks like itself."""
        case = self._case(failed)
        if not failed.interrupted:
            return _refute(case, failed)
        trouble = self._notes(case.service).trouble
        view = self._view_without_config(case.service)
        now = trouble.symptom if trouble else case.symptom
        return Case(case.service, now, signature=signature(view), found=case.found, opened_at=case.opened_at)

    def _diagnose(
        self, at: float, case: Case, newer: Mapping[str, Notes] = MappingProxyType({})
    ) -> CauseFound:
        if agent_of(case.service):
            return _of_ourselves(case)
        if case.symptom in MODEL_SYMPTOMS:
            return of_model(case.service, case.symptom, case.told)
        services = {service.name: service for service in self.world.config.services}

        def view(name: str) -> View:
            service = services.get(name)
            return self._view(service, newer.get(name)) if service else self._view_without_config(name)

        views = Views({*services, case.service}, view)
        open_s = at - case.opened_at if case.opened_at else 0.0  # what was suspect when it began stays so
        suspect_s = self.world.config.windows.change_suspect_s + open_s
        scene = Scene(
            now=at,
            service=case.service,
            opened_by=case.symptom,
            views=views,
            suspect_s=suspect_s,
            failing=frozenset(self._recent.failing),
            refuted=case.refuted,
            advised=case.advised,
            confirmed=self._confirmed(signature(views[case.service])),
            figures=figures_around(
                self._recent.history, self.world.config, views[case.service], at, suspect_s
            ),
        )
        best, *rivals = rank(scene)
        named = tuple(_cause(rival) for rival in rivals if rival.cause != UNKNOWN)
        found = CauseFound(service=case.service, best=_cause(best), rivals=named)
        sentence = asked(case.service, views[case.service].text)
        return (
            replace(found, best=replace(found.best, evidence=(*found.best.evidence, sentence)))
            if sentence
            else found
        )

    def _case(self, event: Event) -> Case:
        return self.state.cases.get(event.incident) or Case(event.service, "")

    def _notes(self, service: str) -> Notes:
        return self.state.notes.get(service, NO_NOTES)

    def _view(self, service: Service, newer: Notes | None) -> View:
        notes = newer or self._notes(service.name)
        usage = self._recent.usage.get(service.name)
        if usage and usage.incarnation != notes.incarnation and notes.incarnation:
            usage = None  # figures of another life
        view = view_of(service, notes, usage)
        sign = signature(view)
        changes = tuple(
            replace(c, stood=self._recent.proofs.stood(service.name, c.kind, c.at, view.incarnation, sign))
            for c in view.changes
        )
        peers = tuple(peer for peer in view.peers if not self._recovered(peer, notes))
        return replace(view, changes=changes, peers=peers)

    def _recovered(self, peer: Peer, caller: Notes) -> bool:
        """Whether a dependency turned healthy after the look at it."""
        latest = self._notes(peer.name).now
        looked_at = caller.trouble.at if caller.trouble else 0.0
        return latest is not None and latest.health == "healthy" and latest.at > looked_at

    def _view_without_config(self, service: str) -> View:
        return seen(View(name=service), self._notes(service))

    def _confirmed(self, sign: str) -> Mapping[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for key, item in self.state.knowledge.items():
            if looks_like(key.rpartition(" -> ")[0], sign):
                found[item.cause, item.culprit] = found.get((item.cause, item.culprit), 0) + item.times
        return found

    def _learn(self, fact: FixVerified) -> None:
        case = self.state.cases.get(fact.incident)
        if case is None or fact.cause_name == UNKNOWN:
            return
        key = f"{case.signature} -> {fact.cause_name}@{fact.culprit}"
        known = self.state.knowledge.get(key)
        times = known.times + 1 if known else 1
        self.state.knowledge[key] = Confirmed(fact.cause_name, fact.culprit, times, fact.at)
        if len(self.state.knowledge) > MOST_KNOWLEDGE:
            del self.state.knowledge[min(self.state.knowledge, key=lambda key: self.state.knowledge[key].at)]

    def _reconfigure(self, fact: ConfigChanged) -> None:
        if fact.why == "refused":
            return
        for name in fact.removed:
            self.state.notes.pop(name, None)
        for name in fact.changed if fact.why == "reload" else ():
            self.state.notes[name] = configured(self._notes(name), fact)


def _of_ourselves(case: Case) -> CauseFound:
    """Who runs our agents saw what happened to it: nothing has to be weighed."""
    cause, how = ("hang", "leaves facts waiting") if case.symptom == "silent" else ("crash", "keeps failing")
    why = f"{agent_of(case.service)} is an agent of our own, and {how}"
    return CauseFound(service=case.service, best=Cause(cause, case.service, 1.0, (why,)))


def _refute(case: Case, failed: FixFailed) -> Case:
    """Waiting in vain does not speak against what a dependency did, nor against what lasts as long as others want it to;
    nor a new start against a wrong setting."""
    if failed.fix == "wait" and (failed.culprit != case.service or failed.cause_name in OF_OTHERS):
        return case
    if failed.cause_name == "config_error" and failed.fix in STARTS:
        return case
    return replace(case, refuted=(*case.refuted, (failed.cause_name, failed.culprit)))


def _cause(ranked: Ranked) -> Cause:
    if ranked.cause == UNKNOWN:  # no finding, and nothing to be confident of
        return Cause(UNKNOWN, ranked.service, 0.0, (NOTHING_CLEAR, *ranked.evidence))
    return Cause(ranked.cause, ranked.service, ranked.confidence, ranked.evidence, ranked.witnesses)


if __name__ == "__main__":
    run_alone(__file__)
