"""Looks at every service at a fixed rate, each on its own: a slow probe delays no other, and no service has two."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from math import inf
from typing import Any

from msgspec import Struct

from config.model import Probe, Service
from platforms.platform import Prober, ProbeResult
from utils.loop_lag import LagMeter

_OVERTIME_S = 0.25  # beyond the probe's own deadline, before we give up on the prober itself
_LAG_FLOOR_S = 0.1  # a lag shorter than this excuses no failure
FROZEN = ProbeResult(ok=False, latency_s=0.0, symptom="error", reason="its process is stopped by a signal")
_SOON_S = 1.0  # a service that was never looked at is not left waiting for a long interval

Slots = Callable[[str, float, float, float], float]  # (name, interval_s, now, last slot) -> next slot
Spawn = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class Look(Struct, frozen=True):
    """One finished look at one life of a service; `ok` is None where nobody can tell."""

    service: str
    incarnation: str
    ok: bool | None
    result: ProbeResult
    began_at: float  # loop time


class _Round:
    """One service's own round."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.taken_at = -inf  # the last slot
        self.due_at = inf  # the next one
        self.rate_s = inf  # at which it was set
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[Look] | None = None
        self.latest: Look | None = None
        self.overdue = False  # a slot came while the look before it was still in flight

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None
        if self.task is not None:
            self.task.cancel()
        self.task = None


class ProbeRounds:
    """`life` names the present life of a service (None: there is nothing to look at), `interval_s` its present rate;
    A good answer of a `frozen` one
    is not believed; `report` gets each look as soon as it is finished."""

    def __init__(
        self,
        prober: Prober,
        lag: LagMeter,
        slots: Slots,
        life: Callable[[str], str | None],
        frozen: Callable[[str], bool],
        interval_s: Callable[[Service, Probe], float],
        report: Callable[[Look], None],
        spawn: Spawn,
    ) -> None:
        self._prober = prober
        self._lag = lag
        self._slots = slots
        self._life = life
        self._frozen = frozen
        self._interval_s = interval_s
        self._report = report
        self._spawn = spawn
        self._rounds: dict[str, _Round] = {}

    def watch(self, services: Sequence[Service]) -> None:
        """From now on these; the rounds of unchanged ones go on untouched."""
        wanted = {service.name: service for service in services}
        for name, current in list(self._rounds.items()):
            if wanted.get(name) != current.service:
                self._rounds.pop(name).stop()
        for name, service in wanted.items():
            if name not in self._rounds:
                self._rounds[name] = _Round(service)
        self.adjust()

    def adjust(self) -> None:
        """Bring slots forward where the rate has risen."""
        now = asyncio.get_running_loop().time()
        for current in self._rounds.values():
            self._adjust(current, now)

    def restart(self) -> None:
        """Drop what is in flight and what was seen, and look anew soon."""
        for current in self._rounds.values():
            current.stop()
            current.latest, current.rate_s = None, inf
        self.adjust()

    def forget(self, name: str) -> None:
        """That life is over: what is in flight or was seen says nothing about the next."""
        current = self._rounds.get(name)
        if current is None:
            return
        if current.task is not None:
            current.task.cancel()
        current.task = current.latest = None
        self._adjust(current, asyncio.get_running_loop().time())

    def close(self) -> None:
        for current in self._rounds.values():
            current.stop()
        self._rounds.clear()

    def latest(self, name: str) -> Look | None:
        return self._rounds[name].latest if name in self._rounds else None

    def look(self, name: str) -> "asyncio.Task[Look] | None":
        """The look in flight, or a new one; None where there is nothing to look at."""
        current = self._rounds.get(name)
        if current is None or current.service.probe is None:
            return None
        if current.task is None or current.task.done():
            mark = self._life(name)
            if mark is None:
                return None
            current.overdue = False
            current.task = self._spawn(self._look(current, current.service.probe, mark))
            current.task.add_done_callback(partial(self._ended, current))
        return current.task

    def _ended(self, current: _Round, task: "asyncio.Task[Look]") -> None:
        """With a deadline as long as the interval a failing look ends just after the next slot, which is not lost."""
        if current.overdue and current.task is task and not task.cancelled():
            self.look(current.service.name)

    def look_since(self, name: str, since: float) -> "asyncio.Task[Look] | None":
        """None also where a look that began since then is at hand."""
        latest = self.latest(name)
        return self.look(name) if latest is None or latest.began_at < since else None

    def look_around(self, but: str, older_than_s: float, most: int, within_s: float) -> None:
        """Look at all others that were not looked at just now, so that one failure can be seen among many."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        stale = [
            name
            for name, current in self._rounds.items()
            if name != but
            and current.service.probe is not None
            and now - (current.latest.began_at if current.latest else -inf) > older_than_s
        ][:most]
        self._around = [
            loop.call_later(n * within_s / len(stale), self.look, at) for n, at in enumerate(stale)
        ]

    def _adjust(self, current: _Round, now: float) -> None:
        probe = current.service.probe
        if probe is not None and self._rate_s(current, probe) < current.rate_s:
            self._schedule(current, probe, now)

    def _rate_s(self, current: _Round, probe: Probe) -> float:
        interval_s = self._interval_s(current.service, probe)
        return interval_s if current.latest is not None else min(interval_s, _SOON_S)

    def _schedule(self, current: _Round, probe: Probe, now: float) -> None:
        if current.timer is not None:
            current.timer.cancel()
        current.rate_s = self._rate_s(current, probe)
        current.due_at = self._slots(current.service.name, current.rate_s, now, current.taken_at)
        loop = asyncio.get_running_loop()
        current.timer = loop.call_at(current.due_at, self._fire, current, probe)

    def _fire(self, current: _Round, probe: Probe) -> None:
        current.taken_at = current.due_at
        current.overdue = current.task is not None and not current.task.done()
        self.look(current.service.name)
        self._schedule(current, probe, asyncio.get_running_loop().time())

    async def _look(self, current: _Round, probe: Probe, mark: str) -> Look:
        loop = asyncio.get_running_loop()
        since = loop.time()
        with self._lag.measuring():
            ok, result = await self._probe(current.service, probe)
            held_up_s = self._lag.lagged(since, loop.time())
        if ok and self._frozen(current.service.name):
            ok, result = False, FROZEN
        if ok is False and held_up_s > max(_LAG_FLOOR_S, probe.timeout_s / 2):
            ok, result = None, _unknown(f"we were held up for {held_up_s:.2f} s ourselves", result.latency_s)
        if self._life(current.service.name) != mark:
            return Look(current.service.name, mark, None, _unknown("that life is over"), since)
        look = Look(current.service.name, mark, ok, result, since)
        current.latest = look
        self._report(look)
        return look

    async def _probe(self, service: Service, probe: Probe) -> tuple[bool | None, ProbeResult]:
        try:
            async with asyncio.timeout(probe.timeout_s + _OVERTIME_S):
                result = await self._prober.probe(service, probe)
        except TimeoutError:
            reason = f"no answer within {probe.timeout_s:g} s"
            return False, ProbeResult(ok=False, latency_s=probe.timeout_s, symptom="timeout", reason=reason)
        except Exception as error:  # noqa: BLE001 - a prober that breaks says nothing about the service
            return None, _unknown(f"the probe itself failed: {error!r}")
        return result.ok, result


def _unknown(reason: str, latency_s: float = 0.0) -> ProbeResult:
    return ProbeResult(ok=False, latency_s=latency_s, reason=reason)
