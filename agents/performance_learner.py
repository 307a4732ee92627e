"""Performance learner: what is normal for each service by hour of the week, and how long we and our fixes take.

It tells others what to expect in the present hour, and people when something gets worse from day to day, too slowly for
any window. Time of trouble teaches nothing.
"""

import asyncio
from collections.abc import Iterator, Mapping
from statistics import median

import structlog
from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import (
    ConfigChanged,
    DecayNoticed,
    Event,
    FixStarted,
    FixVerified,
    IncidentClosed,
    IncidentOpened,
    NormExpected,
    ObservationResumed,
    ServiceSampled,
    Tick,
)
from agents.learning.own import DECIDE, DETECT, Usual, note
from analysis.calendar import hour_of_week
from analysis.learning.decay import KEPT, decay
from analysis.learning.norms import Week, packed, stepped, unpacked
from config.ourselves import is_drill
from config.world import World
from utils.alone import run_alone
from utils.disk import Disk, Offload, replace_file

__all__ = ["PerformanceLearner", "State"]

log = structlog.get_logger()
LEARNT = ("probe_latency_s", "cpu_percent", "rss_mib", "open_files", "threads")
MINUTE_S = 60.0
AFTER_S = 600.0  # a trouble, until what is seen is normal again
DAY_S = 86400.0
DAY_VALUES = 60  # minutes in a day before it counts
SAVE_S = 900.0
MOST_SERIES = 2000
FILE = "models/norms"
UNTIL_CLOSED = 1e15


class Days(Struct, frozen=True, gc=False):
    """The middle of each of the last days, oldest first, and of today so far."""

    past: tuple[float, ...] = ()
    today: int = 0
    middle: float = 0.0
    spread: float = 0.0
    seen: float = 0.0


class State(Struct):
    """Statistics are no state but a cache; what is kept here is small, or was told."""

    usual: dict[str, Usual] = field(default_factory=dict)  # of ourselves, and "SERVICE/FIX"
    opened: dict[str, IncidentOpened] = field(default_factory=dict)
    troubled: dict[str, float] = field(default_factory=dict)  # by service: until when nothing is learnt
    decays: dict[str, DecayNoticed] = field(default_factory=dict)  # by SERVICE/METRIC


class PerformanceLearner:
    name = "performance_learner"
    consumes: tuple[type[Event], ...] = (
        ServiceSampled, Tick, ObservationResumed, IncidentOpened, IncidentClosed, FixStarted, FixVerified, ConfigChanged,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (NormExpected, DecayNoticed)
    traits = Traits(optional=True)

    def __init__(self, world: World, disk: Disk | None = None, offload: Offload | None = None) -> None:
        self.world = world
        self.state = State()
        self._disk, self._offload = disk, offload
        self._weeks: dict[str, Week] = {}
        self._minutes: dict[str, list[float]] = {}
        self._days: dict[str, Days] = {}
        self._minute = self._told_hour = -1

    @property
    def norms(self) -> Mapping[str, Week]:
        return self._weeks

    def handle(self, event: Event) -> Results:
        if not self.world.config.learning.performance_enabled:
            return ()
        if isinstance(event, ServiceSampled):
            self._take(event)
        elif isinstance(event, ObservationResumed):
            self._minutes.clear()
        elif isinstance(event, Tick) and (minute := int(event.at // MINUTE_S)) != self._minute:
            self._minute = minute
            return list(self._end_minute(event.at))
        return ()

    def _take(self, sample: ServiceSampled) -> None:
        service = sample.service
        if sample.at < self.state.troubled.get(service, 0.0):
            return
        for name, value in zip(sample.names, sample.values, strict=True):
            if name in LEARNT and value == value:
                self._minutes.setdefault(f"{service}/{name}", []).append(value)

    def _end_minute(self, at: float) -> Iterator[Event]:
        hour = self._hour(at)
        minutes, self._minutes = self._minutes, {}
        for key, values in minutes.items():
            if key in self._weeks or len(self._weeks) < MOST_SERIES:
                middle = median(values)
                self._weeks.setdefault(key, Week()).learn(hour, middle)
                yield from self._day(key, int(at // DAY_S), middle)
        if hour != self._told_hour:
            self._told_hour = hour
            yield from self._expected(hour)

    def _hour(self, at: float) -> int:
        return hour_of_week(self.world.unix(at), self.world.config.notify.timezone)

    def _expected(self, hour: int) -> Iterator[NormExpected]:
        by_service: dict[str, list[tuple[str, tuple[float, float, float]]]] = {}
        for key, week in self._weeks.items():
            service, _, name = key.rpartition("/")
            if norm := week.norm(hour):
                by_service.setdefault(service, []).append((name, norm))
        for service, found in by_service.items():
            yield NormExpected(
                service=service,
                names=tuple(name for name, _ in found),
                low=tuple(norm[0] for _, norm in found),
                expected=tuple(norm[1] for _, norm in found),
                high=tuple(norm[2] for _, norm in found),
            )

    # --- slow decay ---

    def _day(self, key: str, today: int, value: float) -> Iterator[DecayNoticed]:
        known = self._days.get(key, Days(today=today))
        if known.today != today:
            past = (*known.past, known.middle)[-KEPT:] if known.seen >= DAY_VALUES else known.past
            known = Days(past, today)
            yield from self._decayed(key, past)
        spread = known.spread or 0.1 * abs(value)
        at = (known.middle - spread, known.middle, known.middle + spread) if known.seen else (value,) * 3
        low, middle, high = stepped((at[0], at[1], at[2]), known.seen, value)
        self._days[key] = Days(known.past, today, middle, max((high - low) / 2.0, 1e-9), known.seen + 1.0)

    def _decayed(self, key: str, past: tuple[float, ...]) -> Iterator[DecayNoticed]:
        found = decay(past, self.world.config.learning.decay_share)
        told = self.state.decays.get(key)
        share = self.world.config.learning.decay_share
        if found is None or (told is not None and found.now < (1.0 + share) * told.now):
            return
        service, _, metric = key.rpartition("/")
        yield DecayNoticed(
            service=service,
            metric=metric,
            before=round(found.before, 6),
            now=round(found.now, 6),
            days=found.days,
            per_day=round(found.per_day, 6),
            why=f"{metric} of {service} rose from {found.before:.4g} to {found.now:.4g} in {found.days} days,"
            " too slowly for any alarm",
        )

    # --- remember ---

    def apply(self, fact: Event) -> None:
        state = self.state
        match fact:
            case IncidentOpened() if not is_drill(fact.service):
                state.opened[fact.incident] = fact
                state.troubled[fact.service] = UNTIL_CLOSED
                if fact.first_sign_at:
                    note(state.usual, DETECT, fact.at - fact.first_sign_at)
            case IncidentClosed():
                state.opened.pop(fact.incident, None)
                state.troubled[fact.service] = fact.at + AFTER_S
            case FixStarted(kind="fix") if (opened := state.opened.pop(fact.incident, None)) is not None:
                note(state.usual, DECIDE, fact.at - opened.at)
            case FixVerified():
                note(state.usual, f"{fact.service}/{fact.fix}", fact.seconds)
            case DecayNoticed():
                state.decays[f"{fact.service}/{fact.metric}"] = fact
            case ConfigChanged() if fact.why != "refused":
                self._forget(fact.removed)

    def _forget(self, removed: tuple[str, ...]) -> None:
        for name in removed:
            self.state.troubled.pop(name, None)
            for table in (self.state.usual, self.state.decays, self._weeks, self._days, self._minutes):
                for key in [key for key in table if key.startswith(f"{name}/")]:
                    del table[key]

    # --- the cache on disk ---

    async def run(self, _: Outlet) -> None:
        if self._disk is None or self._offload is None:
            await asyncio.Event().wait()
        await self._load()
        while True:
            await asyncio.sleep(SAVE_S)
            if self._weeks:
                await self._save()

    async def _load(self) -> None:
        assert self._disk is not None and self._offload is not None
        disk, path = self._disk, self.world.state_dir / FILE
        try:
            self._weeks = {**unpacked(await self._offload(lambda: disk.read(path))), **self._weeks}
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.warning("norms_learnt_anew", path=str(path), error=str(error))

    async def _save(self) -> None:
        assert self._disk is not None and self._offload is not None
        disk, path, data = self._disk, self.world.state_dir / FILE, packed(self._weeks.items())

        def save() -> None:
            disk.mkdir(path.parent)
            replace_file(disk, path, data)

        try:
            await self._offload(save)
        except OSError as error:
            log.warning("norms_not_saved", path=str(path), error=str(error))


if __name__ == "__main__":
    run_alone(__file__)
