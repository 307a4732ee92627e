"""The faults of a simulated month: what befalls which service when, drawn once from a seed; and what people alone make of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log
from random import Random

from msgspec import Struct

DAYS = 30.0
MONTH_S = DAYS * 86_400.0
PERSON_S = 7200.0  # until somebody looks, whatever the hour; what they do then works at once
START_S = 5.0
SUPERVISOR_S = 1.0  # until a supervisor starts again what has ended
NEEDS: Mapping[str, tuple[str, ...]] = {
    "db": (), "cache": (), "auth": ("db",), "search": (), "cart": ("db", "cache"), "api": ("auth", "cart", "search"), "web": ("api",),
    "worker": ("db",), "mailer": (), "reports": ("db",),
}  # fmt: skip
MODEL = "ranking"
RATES: Mapping[str, float] = {  # how many are expected in a month
    "crash": 24, "hang": 10, "errors": 8, "leak": 4, "bad_release": 5, "corrupt_file": 6, "spoiled_cache": 3, "slow": 6,
    "bad_table": 3, "credential": 2,
}  # fmt: skip
OF_DATA = frozenset({"corrupt_file", "spoiled_cache", "bad_table"})
ENDS = frozenset({"crash", "leak"})  # of a process, which a plain supervisor mends
PASSES = frozenset({"slow"})


class Fault(Struct, frozen=True):
    at: float
    kind: str
    service: str
    lasts_s: float = 0.0  # of a leak until the kernel kills it, of slowness until it ends by itself


def month(seed: int) -> list[Fault]:
    """Each kind is a Poisson process of its own; the service is drawn evenly."""
    random = Random(seed)
    faults = []
    for kind, rate in RATES.items():
        at = random.expovariate(rate / MONTH_S)
        while at < MONTH_S:
            service = MODEL if kind == "bad_table" else random.choice(list(NEEDS))
            faults.append(Fault(at, kind, service, _lasts_s(kind, random)))
            at += random.expovariate(rate / MONTH_S)
    return sorted(faults, key=lambda fault: fault.at)


def _lasts_s(kind: str, random: Random) -> float:
    if kind == "leak":
        return exp(random.uniform(log(2 * 3600.0), log(24 * 3600.0)))
    return random.uniform(45.0, 180.0) if kind == "slow" else 0.0


class Outcome(Struct, frozen=True, kw_only=True):
    """What a month was like. Repair times are of faults that stopped something."""

    availability: float
    healed_s: tuple[float, ...]  # without a person
    by_people_s: tuple[float, ...]
    reached_people: int
    interventions: int
    data_faults: int
    data_unresolved: int
    lived_s: float = MONTH_S  # of it in virtual time; the rest was calm

    @property
    def mean_healed_s(self) -> float:
        return sum(self.healed_s) / max(len(self.healed_s), 1)

    @property
    def mean_s(self) -> float:
        every = (*self.healed_s, *self.by_people_s)
        return sum(every) / max(len(every), 1)


def alone(faults: Sequence[Fault], *, supervised: bool) -> Outcome:
    """People who are told at once, come after two hours and then do the right thing; a supervisor, if there is one, starts
    again what has ended. What passes by itself has rung all the same."""
    down: dict[str, list[tuple[float, float]]] = defaultdict(list)
    healed: list[float] = []
    by_people: list[float] = []
    reached = interventions = 0
    for fault in faults:
        begins_at = fault.at + (fault.lasts_s if fault.kind == "leak" else 0.0)
        by_itself = fault.kind in PASSES or (supervised and fault.kind in ENDS)
        lasts_s = fault.lasts_s if fault.kind in PASSES else SUPERVISOR_S + START_S if by_itself else PERSON_S
        (healed if by_itself else by_people).append(lasts_s)
        reached += not (supervised and fault.kind in ENDS)
        interventions += not by_itself
        for service in with_callers(fault.service):
            down[service].append((begins_at, begins_at + lasts_s))
    return Outcome(
        availability=1 - sum(map(covered_s, down.values())) / (MONTH_S * (len(NEEDS) + 1)),
        healed_s=tuple(healed), by_people_s=tuple(by_people), reached_people=reached, interventions=interventions,
        data_faults=sum(fault.kind in OF_DATA for fault in faults), data_unresolved=0,
    )  # fmt: skip


def with_callers(service: str) -> set[str]:
    """It, and all who ask it, directly or through others."""
    found = {service}
    while more := {name for name, needs in NEEDS.items() if name not in found and found & set(needs)}:
        found |= more
    return found


def covered_s(spans: Sequence[tuple[float, float]]) -> float:
    """
    >>> covered_s([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(end - max(begin, reached), 0.0)
        reached = max(reached, end)
    return total
