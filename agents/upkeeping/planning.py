"""Turns what is foreseen into a plan: which fix prevents it, whom it disturbs, and the quiet hour for it."""

import hashlib
from collections.abc import Iterable

from agents.events import MaintenanceScheduled
from agents.upkeeping.foresight import WEAR
from agents.upkeeping.state import Foreseen, State
from analysis.calendar import hour_of_week
from analysis.quiet import Profile, quietest
from config.consents import switched_off
from config.fixes import Fix
from config.graph import dependants
from config.model import Service
from config.world import World

NOTICE_S = 1800.0  # so long before it begins people can say no, where there is time
MARGIN = 0.15  # of the lead time: forecasts err,
LEAST_MARGIN_S = 600.0  # and what is near is looked at seldom
SLACK = 0.1  # of the time that is left: not every new forecast shall move the plan
DAILY_MOVES_S = 600.0
MOVES_S = 3600.0  # a failure that is foreseen so much later is worth another hour
CURES = {WEAR: "memory_leak"}  # what renews a life


def plan_for(
    world: World, state: State, service: Service, foreseen: Foreseen, at: float
) -> MaintenanceScheduled | None:
    """None where it is so near that it is the owner of incidents who acts."""
    horizon_s = world.config.windows.predict_horizon_s
    lead_s = foreseen.fails_at - at
    latest_at = foreseen.fails_at - horizon_s - max(MARGIN * (lead_s - horizon_s), LEAST_MARGIN_S)
    if latest_at <= at:
        return None
    known = state.plans.get(foreseen.key)
    fix = _fix_for(world, service, foreseen.failure)
    disturbs = dependants(world.config, service.name)
    earliest_at = at + _notice_s(foreseen, latest_at - at)
    others = [plan.start_at for key, plan in state.plans.items() if key != foreseen.key and plan.fix]
    start_at = quietest(
        _profiles(state, (service.name, *disturbs)),
        earliest_at,
        latest_at - SLACK * (latest_at - at),
        lambda moment: hour_of_week(world.unix(moment), world.config.notify.timezone),
        others,
    )
    if not fix:
        start_at = at
    return MaintenanceScheduled(
        service=service.name, plan=known.plan if known else _name(foreseen, at), failure=foreseen.failure, metric=foreseen.metric,
        fix=fix.name if fix else "", agent=fix.agent if fix else "", act_deadline_s=fix.deadline_s if fix else 0.0,
        start_at=round(start_at, 3), latest_at=round(latest_at, 3), fails_at=round(foreseen.fails_at, 3),
        start_wall=world.unix(start_at), fails_wall=world.unix(foreseen.fails_at), confidence=round(foreseen.confidence, 3),
        incarnation=foreseen.incarnation, disturbs=disturbs, reasons=foreseen.reasons, moved=known is not None,
    )  # fmt: skip


def _notice_s(foreseen: Foreseen, room_s: float) -> float:
    """What may be a rise of the day gets half of the time to fade."""
    return min(NOTICE_S, room_s / 4) if foreseen.proven else room_s / 2


def should_move(plan: MaintenanceScheduled, foreseen: Foreseen, latest_at: float) -> bool:
    """It would come too late, or much sooner than it must; before what may be a rise of the day, any sooner."""
    later_s = foreseen.fails_at - plan.fails_at
    if not plan.fix:
        return abs(later_s) > 0.25 * max(plan.fails_at - plan.at, MOVES_S)
    tolerated_s = max(MOVES_S, 0.5 * (plan.fails_at - plan.at)) if foreseen.proven else DAILY_MOVES_S
    return plan.start_at > latest_at or later_s > tolerated_s


def _fix_for(world: World, service: Service, failure: str) -> Fix | None:
    """The gentlest of those that nobody has to be asked about; None: people have to prevent it themselves."""
    if service.autonomy in {"observe", "suggest"}:
        return None
    cures = CURES.get(failure, failure)
    found = [
        fix for fix in world.fixes.values()
        if cures in fix.cures and fix.steps and fix.risk == "safe" and fix.applies_to(service)
        and not switched_off(world.config, fix)
    ]  # fmt: skip
    return min(found, key=lambda fix: ("kill" in fix.steps, fix.cost_s), default=None)


def _profiles(state: State, names: Iterable[str]) -> list[Profile]:
    return [state.loads.get(name, Profile()) for name in names]


def _name(foreseen: Foreseen, at: float) -> str:
    about = f"{foreseen.key} {foreseen.incarnation} {at}"
    return hashlib.sha256(about.encode()).hexdigest()[:12]
