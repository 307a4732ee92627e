"""Whether an act made things worse: trouble that was not there before it, with its target or with who depends on that."""

from collections.abc import Mapping

from msgspec.structs import replace

from agents.events import FixApplied, FixFailed, HarmFound, HealthChanged
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
        away = trouble.first_sign_at < act.applied_at + _round_s(world.config, name)
        once = trouble.symptom in rules.EXITS and trouble.sign_at <= trouble.opened_at
        if not (away or once) or at - act.applied_at >= _grace_s(world.config, name):
            return f"{name} was well before it: {trouble.sign}"
    return ""


def doubtful(
    world: World, state: State, streaks: Mapping[str, Streak], incident: Incident, act: Act, at: float
) -> bool:
    """It is too early to say that it helped: it may yet end, or somebody who depends on it has not been seen well since."""
    since_s = at - act.applied_at
    if (before := _suspected_before(world, incident, act)) is not None:
        lived_s = before.started_at + before.seconds - before.applied_at
        return since_s < max(
            2 * lived_s, rules.needed_probes(world.config, 1) * _round_s(world.config, act.target)
        )
    if not could_harm(world, incident, act):
        return False
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
    """One end by itself may be a fault of its own: it fails the act, and is harm only once the next life ends so too."""
    counts = act.how in DONE and not rules.interrupts(act, fact) and not rules.struck(fact)
    if act.target != incident.service:
        before = state.open_of(act.target)
        new = before is None or before.opened_at >= act.started_at
        worse = counts and fact.service == act.target and fact.symptom not in rules.EXITS and new
        return verdicts.failed_by_health(incident, act, fact, harmful=worse)
    if not (counts and could_harm(world, incident, act)):
        return verdicts.failed_by_health(incident, act, fact)
    new = not any(symptom.startswith(rules.EXITS) for symptom in incident.symptoms)
    worse = bool(_way(fact)) and _ended_in_its_boot(incident, act, fact)
    return verdicts.failed_by_health(incident, act, fact, harmful=worse, suspect=_way(fact) if new else "")


def _ended_in_its_boot(incident: Incident, act: Act, fact: HealthChanged) -> bool:
    """The life before this one was begun by the same act too and ended in the same way; none did so before the act."""
    before = any(fault.symptom.startswith(rules.EXITS) for fault in incident.faults)
    before = before or any(known.suspect for known in incident.acts)
    same = incident.sign == f"{fact.symptom}: {fact.reason}"
    return same and not before and incident.sign_at >= act.started_at


def repeated(world: World, incident: Incident, fact: HealthChanged) -> HarmFound | None:
    """The life that came right after a suspected act has ended as the one before it did."""
    act = incident.act
    before = None if act is None else _suspected_before(world, incident, act)
    if before is None or before.suspect != _way(fact) or fact.service != before.target:
        return None
    return verdicts.blamed(incident, before, f"{fact.service} ended twice after it: {fact.reason}")


def _suspected_before(world: World, incident: Incident, act: Act) -> Act | None:
    """The act after which the target had ended by itself, where this one brings up the next life of the same."""
    fix = world.fixes.get(act.fix)
    _, *before = reversed([known for known in incident.acts if known.fix != rules.WAIT] or [act])
    if not before or fix is None or not fix.only_starts_anew:
        return None
    last = before[0]
    return last if last.suspect and not last.undone and last.target == act.target else None


def _way(fact: HealthChanged) -> str:
    """Empty where it did not end, or nobody knows how."""
    if fact.symptom not in rules.EXITS:
        return ""
    if fact.exit_code is not None:
        return f"exit code {fact.exit_code}"
    return f"signal {fact.signal}" if fact.signal is not None else ""


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
