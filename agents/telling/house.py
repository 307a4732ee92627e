"""How facts that are no part of an incident are folded: predictions, messages that stand, silence, the daemon itself."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from agents.events import (
    AlertReceived,
    BackupProven,
    ChangeObserved,
    ConfigChanged,
    DamageFound,
    DecayNoticed,
    EventQuarantined,
    Fact,
    FailurePredicted,
    FreezeEnded,
    FreezeNoted,
    LeaseChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
    MessagePosted,
    ObservationResumed,
    OperatorCommanded,
    SelfTested,
    SettingProposed,
    StorageChanged,
)
from agents.incident.story import sentence
from agents.telling.lines import house_news
from agents.telling.stories import FROZEN, News, Plan, Posted, Prediction, Silence, State

KEPT_POSTED = 2000
KEPT_NEWS = 50
KEPT_PLANS = 100


def count(state: State, what: str) -> None:
    state.counts[what] = state.counts.get(what, 0) + 1


def _predicted(state: State, fact: FailurePredicted) -> None:
    """Told once: a more urgent word about the same ceiling changes the message."""
    key = f"{fact.service} {fact.metric}"
    known = state.predictions.get(key)
    over_at = fact.at + 2 * fact.lead_time_s + 600.0
    text = "; ".join((sentence(fact), *fact.reasons))
    if known is not None and fact.at <= known.over_at:
        state.predictions[key] = replace(known, text=text, over_at=over_at)
        return
    state.predictions[key] = Prediction(fact.id, fact.service, fact.metric, text, fact.at, over_at)
    count(state, "predictions")


def _planned(state: State, fact: MaintenanceScheduled) -> None:
    known = state.plans.pop(fact.plan, None)
    at = known.at if known is not None else fact.at
    state.plans[fact.plan] = Plan(
        fact.plan, fact.service, house_news(fact), at, open=bool(fact.fix), urgent=not fact.fix
    )
    if known is None:
        count(state, "maintenance")
    while len(state.plans) > KEPT_PLANS:
        del state.plans[next(iter(state.plans))]


def _settled(state: State, fact: MaintenanceCancelled | MaintenanceVetoed | MaintenanceDone) -> None:
    known = state.plans.get(fact.plan)
    if known is not None:
        state.plans[fact.plan] = replace(known, state=house_news(fact), open=False)


def _posted(state: State, fact: MessagePosted) -> None:
    if fact.key.startswith("digest/"):
        state.days["digest"] = fact.key.removeprefix("digest/")
        state.counts.clear()
    if fact.channel == "page":
        if fact.text:
            state.news[fact.id] = News(fact.text, fact.at)
        return
    state.news.pop(fact.key.removeprefix("news/"), None)
    state.posted[f"{fact.channel} {fact.chat} {fact.key}"] = Posted(
        fact.key, fact.channel, fact.chat, fact.message, fact.at
    )
    while len(state.posted) > KEPT_POSTED:
        del state.posted[next(iter(state.posted))]


def _commanded(state: State, fact: OperatorCommanded) -> None:
    if fact.command == "silence":
        state.silences.pop(fact.service, None)
        if fact.for_s > 0:
            state.silences[fact.service] = Silence(fact.by, fact.at + fact.for_s)
    elif fact.command in {"stop", "start", "pause", "resume"}:
        _news(state, fact)


def _news(state: State, fact: Fact, *, urgent: bool = False) -> None:
    if text := house_news(fact):
        state.news[fact.id] = News(text, fact.at, urgent)
        while len(state.news) > KEPT_NEWS:
            del state.news[next(iter(state.news))]


def _configured(state: State, fact: ConfigChanged) -> None:
    if fact.why == "refused":
        _news(state, fact)


def _stored(state: State, fact: StorageChanged) -> None:
    _news(state, fact, urgent=not fact.ok)


def _drilled(state: State, fact: SelfTested) -> None:
    """Told when it begins to fail, and in the digest."""
    count(state, "drills" if fact.ok else "drills_stuck")
    known = state.days.get("drill", "")
    state.days["drill"] = "passed" if fact.ok else f"got stuck: {fact.step}"
    if not fact.ok and not known.startswith("got stuck"):
        _news(state, fact, urgent=True)


def _leased(state: State, fact: LeaseChanged) -> None:
    state.days["lease"] = "" if fact.held else fact.why
    _news(state, fact, urgent=not fact.held)


def _frozen(state: State, fact: FreezeNoted) -> None:
    """Told at once, and in each digest until somebody has turned it on."""
    state.days[f"{FROZEN}{fact.service}"] = fact.act
    _news(state, fact)


def _thawed(state: State, fact: FreezeEnded) -> None:
    state.days.pop(f"{FROZEN}{fact.service}", None)
    _news(state, fact)


HOUSE_FOLDS: dict[type[Fact], Callable[[State, Any], None]] = {
    FailurePredicted: _predicted,
    MaintenanceScheduled: _planned,
    **dict.fromkeys((MaintenanceCancelled, MaintenanceVetoed, MaintenanceDone), _settled),
    MessagePosted: _posted,
    OperatorCommanded: _commanded,
    ConfigChanged: _configured,
    StorageChanged: _stored,
    **dict.fromkeys((DamageFound, DecayNoticed, SettingProposed), _news),
    AlertReceived: _news,
    BackupProven: _news,
    ChangeObserved: _news,
    FreezeNoted: _frozen,
    FreezeEnded: _thawed,
    EventQuarantined: _news,
    ObservationResumed: _news,
    SelfTested: _drilled,
    LeaseChanged: _leased,
}
