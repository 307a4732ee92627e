"""Whether an act made things worse: trouble that was not there before it, with its target or with who depends on that."""

from collections.abc import Mapping

from msgspec.structs import replace

from agents.events import FixApplied, FixFailed, HealthChanged
from agents.incident import verdicts as verdicts
from agents.incident import verification as rules
from agents.incident.records import Act, Incident
from agents.incident.state import State
from agents.incident.verification import Streak
from config.fixes import Fix
from config.graph import dependants
from config.model import Config
from config.world import World

DONE = ("done", "found_done")
ROUNDS = 4  # of probes, in which who fell ill while the target was away has to be well again
OWN_TROUBLE = ("bad_deploy", "disk_full")  # causes that no act on another service brings about


def could_harm(world: World, incident: Incident, act: Act) -> bool:
    """It did something on its own service, and more than to start it anew: who cannot bear that is ill by itself."""
    fix: Fix | None = world.fixes.get(act.fix) if world.config.service(act.target) else None
    more = fix is not None and bool(fix.steps) and not fix.only_starts_anew
    return more and act.how in DONE and act.target == incident.service


def spoilt(world: World, incident: Incident, act: Act, path: str) -> bool:
    """A file that was damaged before in this incident is ill once more: that speaks against no act upon it."""
    known = any(symptom.startswith(f"file_damaged: {path}:") for symptom in incident.symptoms)
    return not known and path not in incident.damaged and could_harm(world, incident, act)


def broke(world: World, state: State, incident: Incident, act: Act, at: float) -> str:
    """Who was well before this act and is not any more, in words; empty while nothing can be said against it."""
    if not could_harm(world, incident, act):
        return ""
    for name in dependants(world.config, act.target):
        trouble = state.open_of(name)
        if trouble is None or not _new(state, trouble, act):
            continue
        while_away = trouble.first_sign_at < act.applied_at + _round_s(world.config, name)
        if not while_away or at - act.applied_at >= _grace_s(world.config, name):
            return f"{name} was well before it: {trouble.sign}"
    return ""


def doubtful(
    world: World, state: State, streaks: Mapping[str, Streak], incident: Incident, act: Act, at: float
) -> bool:
    """It is too early to say that it helped: it may yet end, or somebody who depends on it has not been seen well since."""
    if not could_harm(world, incident, act):
        return False
    since_s = at - act.applied_at
    if since_s < rules.needed_probes(world.config, 1) * _round_s(world.config, act.target):
        return True
    return any(
        since_s < _grace_s(world.config, name)
        and streaks.get(name, Streak()).good < rules.BAD_PROBES
        and _could_tell(world.config, state, name, act)
        for name in dependants(world.config, act.target)
    )


def witnesses(world: World, incident: Incident, act: Act) -> tuple[str, ...]:
    """Whose probes of before the act say nothing about it."""
    done = replace(act, how="done")
    return dependants(world.config, act.target) if could_harm(world, incident, done) else ()


def _could_tell(config: Config, state: State, name: str, act: Act) -> bool:
    service, trouble = config.service(name), state.open_of(name)
    watched = service is not None and service.probe is not None and name not in state.off
    return watched and (trouble is None or _new(state, trouble, act))


def failed_half_way(state: State, incident: Incident, act: Act, fact: FixApplied) -> FixFailed:
    """Worse, where something was changed and what had answered before ends while it starts."""
    health = state.health.get(act.target)
    ended = health is not None and health.symptom in rules.EXITS and not health.struck
    worse = bool(fact.undo_data) and ended and incident.symptom not in rules.EXITS
    reason = fact.detail or "it could not be applied"
    return verdicts.failed(incident, act, reason, harmful=worse)


def failed_by_health(
    world: World, state: State, incident: Incident, act: Act, fact: HealthChanged
) -> FixFailed:
    worse = _by_health(world, state, incident, act, fact)
    return verdicts.failed_by_health(incident, act, fact, harmful=worse)


def _by_health(world: World, state: State, incident: Incident, act: Act, fact: HealthChanged) -> bool:
    """The target itself is worse off: it ended, and answered before; or was well until it was acted on."""
    unseen = (
        fact.symptom in rules.EXITS and fact.exit_code is None and fact.signal is None
    )  # anybody may have ended it
    if act.how not in DONE or rules.interrupts(act, fact) or rules.struck(fact) or unseen:
        return False
    if act.target != incident.service:
        before = state.open_of(act.target)
        return fact.service == act.target and (before is None or before.opened_at >= act.started_at)
    ended = fact.symptom in rules.EXITS and not any(s.startswith(rules.EXITS) for s in incident.symptoms)
    return ended and could_harm(world, incident, act)


def _new(state: State, trouble: Incident, act: Act) -> bool:
    """It began after the act, we saw it ourselves, and nobody else did it."""
    if trouble.first_sign_at < act.started_at or trouble.kind in {"prediction", "alert"}:
        return False
    health, cause = state.health.get(trouble.service), trouble.cause
    own = cause is not None and cause.service == trouble.service and cause.name in OWN_TROUBLE
    return not own and not (health is not None and health.struck)


def _round_s(config: Config, name: str) -> float:
    service = config.service(name)
    probe = service.probe if service else None
    return min(probe.interval_s, rules.LOOKED_AT_S) + probe.timeout_s if probe else rules.ALIVE_S


def _grace_s(config: Config, name: str) -> float:
    return rules.SLACK_S + ROUNDS * _round_s(config, name)
