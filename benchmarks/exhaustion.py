"""Leaks towards a declared limit, told by the daemon's own predictor: how many 30 minutes ahead, how many false."""

import math

import msgspec

from agents.events import FailurePredicted, ServiceSampled
from agents.ml_failure_predictor import MlFailurePredictor
from benchmarks.leaks import DAY_S, HOUR_S, Resource, resource
from benchmarks.measure import median
from benchmarks.report import Goal, Table
from config.model import Config
from config.world import World

STEP_S = 15.0
AHEAD_S = 1800.0
LIMIT_MIB = 512.0
LEAKS, WELL, WELL_DAYS = 200, 30, 6.0
CONFIG = {
    "services": [
        {
            "name": "shop",
            "platform": {"type": "process", "command": ["shop"]},
            "limits": {"memory_mib": LIMIT_MIB},
        }
    ]
}


class Told(msgspec.Struct, frozen=True):
    """When the first true word on a leak came before the end, and how many words there were of what was no leak."""

    lead_s: float | None
    false: int
    days: float
    to_limit_s: float


def run(*, quick: bool) -> list[Table]:
    share = 10 if quick else 1
    leaks = [told_of(resource(seed, leaks=True, days=4)) for seed in range(LEAKS // share)]
    well = [told_of(resource(seed, leaks=False, days=WELL_DAYS)) for seed in range(max(WELL // share, 1))]
    return [_table(leaks, well)]


def told_of(resource: Resource) -> Told:
    """All that the predictor says with the default configuration, and nobody acting on it."""
    agent = MlFailurePredictor(World(config=msgspec.convert(CONFIG, Config), fixes={}))
    full = resource.full_at() if resource.leak_at is not None else WELL_DAYS * DAY_S
    leak_at = math.inf if resource.leak_at is None else resource.leak_at
    first: float | None = None
    false = 0
    for at, value in resource.samples(full, STEP_S, LIMIT_MIB):
        event = ServiceSampled(service="shop", at=at, names=("rss_mib",), values=(value,), incarnation="a")
        for said in agent.handle(event):
            if isinstance(said, FailurePredicted):
                agent.apply(msgspec.structs.replace(said, at=at))
                false += at < leak_at
                first = at if first is None and at >= leak_at else first
    lead_s = None if first is None else full - first
    return Told(lead_s, false, min(full, leak_at) / DAY_S, resource.to_limit_s)


def _table(leaks: list[Told], well: list[Told]) -> Table:
    rows = []
    for low_h, high_h in ((0.75, 1.5), (1.5, 6), (6, 24), (24, 48), (0.75, 48)):
        some = [told for told in leaks if low_h * HOUR_S <= told.to_limit_s <= high_h * HOUR_S]
        if not some:
            continue
        leads = [told.lead_s for told in some if told.lead_s is not None]
        middle = f"{median(leads) / 60:.0f}" if leads else "-"
        rows.append((f"{low_h:g} to {high_h:g} h", str(len(some)), f"{_ahead(some):.1%}", middle))
    days = sum(told.days for told in (*well, *leaks))
    false = sum(told.false for told in (*well, *leaks))
    return Table(
        title="Leaks under a daily wave with steps: announced 30 minutes ahead",
        columns=("time to the limit", "leaks", "announced", "median lead, min"),
        rows=rows,
        goals=(
            Goal("announced at least 30 min ahead, %", 100 * _ahead(leaks), 95.0, least=True),
            Goal("false warnings in 10 service-days", 10 * false / days, 1.0),
        ),
        notes=(
            f"{len(leaks)} leaks, {len(well)} services without one: {days:.0f} service-days without a leak.",
            "Time to the limit log-uniform from 45 minutes to 48 hours, onset in the first day and a half.",
            "A wave of up to 15 % of the limit to either side, a step each 17 hours, noise 0.1 to 0.8 %.",
        ),
    )


def _ahead(told: list[Told]) -> float:
    return sum(t.lead_s is not None and t.lead_s >= AHEAD_S for t in told) / len(told)
