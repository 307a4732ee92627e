"""Watches services that run on Render: their list, events, deploys and instances, as often as the limits allow."""

import asyncio
import time
from collections.abc import Callable, Sequence
from math import inf

import structlog

from config.model import Service
from platforms.listeners import Listeners
from platforms.platform import Exit, Incarnation, PlatformError, ProcessSample, Sight
from platforms.render.api import RenderApi
from platforms.render.failures import RenderError
from platforms.render.shapes import RenderService, Store
from platforms.render.sighting import Sighting

log = structlog.get_logger()
TICK_S = 0.25
LIST_S = 10.0
STORES_S = 30.0
CALM_S = 15.0  # between two looks at a service where all is quiet
CALM_PER_SERVICE_S = 0.5  # so that many of them are looked at less often
BUSY_S = 2.0  # while something goes on
BUSY_PER_SERVICE_S = 1.0
WHOLE_S = 60.0  # a look at everything, whatever events say
ADOPT_S = 10.0
FRESH_S = 2.0  # a look no older than this is not repeated for a failed probe
SUSPECT_S = 60.0
FIRST_EVENTS_S = 600.0  # how far back the first look goes
EVENTS_OVERLAP_S = 30.0  # events come late, and not in order
LOGS_S = 10.0  # between two tails of one service's log
LASTED_S = 3.0  # one call that fails is tried again within a second or two
_URGENT_S = 3.0
_WIDTH = 8  # looks at a time


class RenderWatcher:
    """Implements `Platform` for services of type render. `run` looks until cancelled; the hands share what it knows."""

    def __init__(self, api: RenderApi, wall: Callable[[], float] = time.time) -> None:
        self.api = api
        self._wall = wall
        self._known: dict[str, Sighting] = {}
        self._listeners = Listeners()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._width = asyncio.Semaphore(_WIDTH)
        self._wholly_s: dict[str, float] = {}  # when everything of it was looked at
        self._troubled = False

    # --- Platform ---

    def configure(self, services: Sequence[Service]) -> None:
        before, self._known = self._known, {}
        for service in services:
            old = before.get(service.name)
            if old is not None and old.platform.id == getattr(service.platform, "id", ""):
                old.service = service
                self._known[service.name] = old
            else:
                self._known[service.name] = Sighting(service=service)

    def current(self, service: str) -> Incarnation | None:
        known = self._known.get(service)
        return known.current() if known is not None else None

    def sight(self, service: str) -> Sight:
        known = self._known.get(service)
        return known.sight() if known is not None else Sight(is_known=False)

    async def adopt(self) -> list[Incarnation]:
        """One look at all of them, so that what runs is known before anybody watches; not for long."""
        try:
            async with asyncio.timeout(ADOPT_S):
                await self._list()
                await asyncio.gather(*(self.look(name) for name in self._known))
        except TimeoutError:
            log.warning("render_slow", waited_s=ADOPT_S)
        return []

    async def start(self, service: str, mark: str) -> Incarnation:
        del mark
        raise PlatformError(f"{service} runs on Render: it is resumed or deployed, not started")

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        del signal, grace_s
        raise PlatformError(f"{service} runs on Render: it is suspended there, not stopped from here")

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        self._listeners.add(callback)

    def sample(self, service: str) -> ProcessSample | None:
        del service
        return None

    def is_frozen(self, service: str) -> bool:
        del service
        return False

    def suspect(self, service: str) -> None:
        if (known := self._known.get(service)) is not None:
            known.busy_until_s = _now() + SUSPECT_S

    def hear(self, remote_id: str) -> str:
        """Render tells of something there: it is looked at with the next round. Its name here, or ""."""
        for name, known in self._known.items():
            if known.id == remote_id:
                known.looked_s = min(known.looked_s, _now() - BUSY_S)
                known.busy_until_s = _now() + SUSPECT_S
                return name
        return ""

    def output(self, service: str, limit: int = 2048) -> str:
        known = self._known.get(service)
        return known.output[-limit:] if known is not None else ""

    async def close(self) -> None:
        await self.api.client.close()

    # --- what hands and probes ask ---

    def of(self, service: str) -> Sighting:
        try:
            return self._known[service]
        except KeyError:
            raise PlatformError(f"{service} is not watched on Render") from None

    async def freshen(self, service: str, wait_s: float) -> Sighting | None:
        """Look again, at its log too, and wait for it no longer than `wait_s`; what is known by then."""
        known = self._known.get(service)
        if known is not None and _now() - self._wholly_s.get(service, -FRESH_S) >= FRESH_S:
            known.busy_until_s = _now() + SUSPECT_S
            await self.look(service, within_s=_URGENT_S, wait_s=wait_s, urgent=True)
        return known

    async def look(
        self, service: str, *, within_s: float = 25.0, wait_s: float = 25.0, urgent: bool = False
    ) -> None:
        """At everything, now; never raises. Two who want it at once share one look."""
        task = self._looking.get(service)
        if task is None or task.done():
            work = self._look(service, whole=True, within_s=within_s, urgent=urgent)
            task = self._looking[service] = asyncio.create_task(work, name=f"look at {service}")
        await asyncio.wait({task}, timeout=wait_s)

    # --- the rounds ---

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._list_often())
            while True:
                for name in self._due():
                    self._looking[name] = group.create_task(
                        self._look(name, whole=False), name=f"look at {name}"
                    )
                await asyncio.sleep(TICK_S)

    def _due(self) -> list[str]:
        now, runs = _now(), [(n, k) for n, k in self._known.items() if k.remote is not None]
        busy = sum(known.is_busy or now < known.busy_until_s for _, known in runs)
        calm_s = max(CALM_S, CALM_PER_SERVICE_S * len(runs))
        busy_s = max(BUSY_S, BUSY_PER_SERVICE_S * busy)
        due = []
        for name, known in runs:
            task = self._looking.get(name)
            every_s = busy_s if known.is_busy or now < known.busy_until_s else calm_s
            if (task is None or task.done()) and now - known.looked_s >= every_s:
                due.append(name)
        return due

    async def _list_often(self) -> None:
        while True:
            await self._list()
            await asyncio.sleep(LIST_S)

    async def _list(self) -> None:
        """Who is there, and who is suspended: one call for all services, one for each kind of store that is watched."""
        kinds = {known.platform.kind_of for known in self._known.values()}
        try:
            if kinds - {"postgres", "key_value"}:
                self._found(await self.api.services(includePreviews="false"))
            if "postgres" in kinds:
                self._found_stores(await self.api.postgres())
            if "key_value" in kinds:
                self._found_stores(await self.api.key_values())
        except RenderError as error:
            self._trouble(str(error))
        else:
            self._troubled = False

    def _found(self, services: list[RenderService]) -> None:
        by_id, by_name = {each.id: each for each in services}, {each.name: each for each in services}
        for name, known in self._known.items():
            if known.platform.kind_of in {"postgres", "key_value"}:
                continue
            wanted = known.platform.id
            was, known.remote = known.remote, by_id.get(wanted) if wanted else by_name.get(name)
            if was is not None and was.is_suspended and known.remote and not known.remote.is_suspended:
                known.looked_s, known.dead = -inf, ""  # what was seen of it is no longer so
            known.render_now = self._wall()
            self._judge(known)

    def _found_stores(self, stores: list[Store]) -> None:
        by_id, by_name = {each.id: each for each in stores}, {each.name: each for each in stores}
        for name, known in self._known.items():
            if known.platform.kind_of in {"postgres", "key_value"}:
                known.store = (
                    by_id.get(known.platform.id) if known.platform.id else by_name.get(name)
                ) or known.store
                self._judge(known)

    async def _look(self, service: str, *, whole: bool, within_s: float = 25.0, urgent: bool = False) -> None:
        known = self._known.get(service)
        if known is None or known.remote is None or not known.remote.runs:
            if known is not None:
                known.looked_s = _now()
            return
        try:
            async with self._width:
                await self._ask(known, whole=whole, within_s=within_s, urgent=urgent)
        except RenderError as error:
            self._trouble(str(error))
            known.looked_s = max(known.looked_s, _now() - CALM_S / 2) if known.is_known else known.looked_s
            return
        known.render_now = self._wall()
        known.looked_s = _now()
        if _now() < known.busy_until_s or not known.instances:
            await self._read_log(known)
        self._judge(known)

    async def _ask(self, known: Sighting, *, whole: bool, within_s: float, urgent: bool) -> None:
        since = max(known.heard_until - EVENTS_OVERLAP_S, self._wall() - FIRST_EVENTS_S)
        news = known.hear(await self.api.events(known.id, since, urgent=urgent, within_s=within_s))
        stale = _now() - self._wholly_s.get(known.service.name, -WHOLE_S) >= WHOLE_S
        if whole or news or stale or known.is_busy or _now() < known.busy_until_s:
            known.deploys, known.instances = await asyncio.gather(
                self.api.deploys(known.id, urgent=urgent, within_s=within_s),
                self.api.instances(known.id, urgent=urgent, within_s=within_s),
            )
            self._wholly_s[known.service.name] = _now()

    def _judge(self, known: Sighting) -> None:
        end = known.judge() if known.is_known else None
        if end is not None:
            self._listeners.tell(end)

    async def _read_log(self, known: Sighting) -> None:
        if known.remote is None or _now() - known.output_s < LOGS_S:
            return
        known.output_s = _now()
        try:
            async with asyncio.timeout(_URGENT_S):
                lines = await self.api.logs(known.remote.owner_id, known.id)
        except (RenderError, TimeoutError):
            return
        known.output = "\n".join(line.message for line in lines)

    def ailing(self) -> str:
        """Why we see nothing of Render now; empty while we do."""
        lost = self._troubled or self.api.client.breaker.failing_s(_now()) >= LASTED_S
        return "its API does not answer" if lost else ""

    def _trouble(self, why: str) -> None:
        if not self._troubled:
            log.warning("render_unreachable", error=why)
        self._troubled = True


def _now() -> float:
    return asyncio.get_running_loop().time()
