"""Brings a service up: starts it, watches it until it is good, and tries again for as long as it takes."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from config.model import ExecProbe, HeartbeatProbe, Probe, Service
from platforms.platform import Exit, Incarnation, Platform, PlatformError, Prober
from utils.jobs import uninterrupted

FIRST_WAITS_S = (1.0, 2.0, 4.0)
STEADY_WAIT_S = 5.0
STEADY_WAITS = 23  # with the first ones about two minutes
LONGEST_WAIT_S = 60.0
ALIVE_IS_UP_S = 1.0  # where no probe can say more
HELD_LOOK_S = 0.25
EAGER_S = 1.0  # so long after a start we probe every EAGER_STEP_S, then every STEP_S
EAGER_STEP_S = 0.05
STEP_S = 0.25
OUTPUT_LIMIT = 2048


class Retry(Struct, frozen=True, kw_only=True):
    """A boot failed; the next comes after `wait_s`, or as soon as a missing dependency is back."""

    boot: int  # how many in a row failed
    wait_s: float
    reason: str
    missing: tuple[str, ...] = ()
    output: str = ""


class Booted(Struct, frozen=True, kw_only=True):
    outcome: Literal["up", "slow", "dead"]  # slow: it lives, but was not healthy in time
    reason: str = ""
    incarnation: Incarnation | None = None
    output: str = ""
    final: bool = False  # it is not to be tried again


@dataclass(kw_only=True)
class Terms:
    """What one effort to bring a service up is bound to, and whom it tells."""

    mark: str
    started: Callable[[Incarnation], None]
    retried: Callable[[Retry], None]
    missing: Callable[[], tuple[str, ...]] = tuple
    held: Callable[[], bool] = bool  # whether nothing is to be tried again now
    failed: int = 0  # boots in a row that failed before this effort
    lost: int = 0  # boots that this very effort lost before our own death
    patience: int = 0  # boots after which to give up; 0: never
    due_at: float = 0.0  # loop time before which not to start: the wait of an effort that this one takes over


def wait_after(failed: int) -> float:
    """1, 2, 4, then 5 s for two minutes, then doubling up to 60 s.

    >>> [wait_after(n) for n in (1, 2, 3, 4, 26, 27, 28, 29, 30, 1000)]
    [1.0, 2.0, 4.0, 5.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    """
    if failed <= len(FIRST_WAITS_S):
        return FIRST_WAITS_S[failed - 1]
    doublings = max(failed - len(FIRST_WAITS_S) - STEADY_WAITS, 0)
    return min(STEADY_WAIT_S * 2.0 ** min(doublings, 8), LONGEST_WAIT_S)


def how_it_ended(end: Exit) -> str:
    if end.signal is not None:
        known = {s.value: s.name for s in signal.Signals}
        return f"was ended by signal {end.signal} ({known.get(end.signal, 'unknown')})"
    return f"exited with code {end.exit_code}" if end.exit_code is not None else "ended"


class Booter:
    """One effort per service at a time; the caller sees to that."""

    def __init__(self, platform: Platform, prober: Prober) -> None:
        self.platform = platform
        self.prober = prober
        self._ends: dict[str, Exit] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._hurry: dict[str, asyncio.Event] = {}
        self._due: dict[str, float] = {}
        self._insisted: set[str] = set()
        self._condemned: dict[str, tuple[str, str]] = {}  # the mark of a life, and what is wrong with it
        platform.on_exit(self._note_exit)

    def hurry(self, service: str) -> None:
        """Something changed that may let it boot: the next boot comes now, not after its wait."""
        if event := self._hurry.get(service):
            event.set()

    def insist(self, service: str) -> None:
        """A person wants it to be tried now, whatever holds the others."""
        self._insisted.add(service)
        self.hurry(service)

    def condemn(self, service: str, mark: str, reason: str) -> None:
        """Whoever watches it too says that this life is ill: to wait until it is good is of no use."""
        self._condemned[service] = (mark, reason)

    def due_at(self, service: str) -> float:
        """Loop time of the next boot of an effort that waits; 0 where none waits."""
        return self._due.get(service, 0.0)

    async def boot(self, find: Callable[[], Service | None], terms: Terms) -> Booted:
        """Until it is up, or lives without getting healthy, or patience is at its end."""
        failed, lost = terms.failed, terms.lost
        if (service := find()) is not None:
            await self._wait(service.name, terms.due_at - asyncio.get_running_loop().time())
        while (service := find()) is not None:
            hurry = self._hurry.setdefault(service.name, asyncio.Event())
            hurry.clear()
            self._insisted.discard(service.name)
            booted = await self._once(service, terms)
            if booted.outcome != "dead" or booted.final:
                return booted
            failed, lost = failed + 1, lost + 1
            if terms.patience and lost >= terms.patience:
                return booted
            wait_s = 0.0 if hurry.is_set() else wait_after(failed)
            terms.retried(
                Retry(
                    boot=failed,
                    wait_s=wait_s,
                    reason=booted.reason,
                    missing=terms.missing(),
                    output=booted.output,
                )
            )
            await self._wait(service.name, wait_s)
            while terms.held() and service.name not in self._insisted:  # noqa: ASYNC110 - nothing tells its end
                await asyncio.sleep(HELD_LOOK_S)
        return Booted(outcome="dead", reason="it is no longer in the configuration", final=True)

    async def _wait(self, service: str, wait_s: float) -> None:
        if wait_s <= 0:
            return
        hurry = self._hurry.setdefault(service, asyncio.Event())
        self._due[service] = asyncio.get_running_loop().time() + wait_s
        try:
            async with asyncio.timeout(wait_s):
                await hurry.wait()
        except TimeoutError:
            pass
        finally:
            del self._due[service]

    async def _once(self, service: Service, terms: Terms) -> Booted:
        life = self.platform.current(service.name)
        if life is None:
            try:
                life = await uninterrupted(self._start(service.name, terms))
            except PlatformError as error:
                return Booted(outcome="dead", reason=str(error))
        good = asyncio.ensure_future(self._until_good(service, life, terms))
        end = asyncio.ensure_future(self._until_end(life))
        try:
            await asyncio.wait({good, end}, return_when=asyncio.FIRST_COMPLETED)
            return self._dead(service, end.result()) if end.done() else good.result()
        finally:
            good.cancel()
            end.cancel()

    async def _start(self, service: str, terms: Terms) -> Incarnation:
        """Telling is part of it: whoever takes the effort over finds a life that is known already."""
        life = await self.platform.start(service, terms.mark)
        terms.started(life)
        return life

    def _dead(self, service: Service, end: Exit) -> Booted:
        never_again = service.restart == "never" or (service.restart == "on-failure" and end.exit_code == 0)
        return Booted(
            outcome="dead",
            reason="it was stopped on purpose" if end.wanted else f"it {how_it_ended(end)} while it booted",
            output=end.output or self.platform.output(service.name, OUTPUT_LIMIT),
            final=end.wanted or never_again,
        )

    async def _until_good(self, service: Service, life: Incarnation, terms: Terms) -> Booted:
        up = Booted(outcome="up", incarnation=life)
        probe = service.probe
        if probe is None or isinstance(
            probe, HeartbeatProbe
        ):  # the heartbeat may be the one of the life before
            await asyncio.sleep(ALIVE_IS_UP_S)
        if probe is None:
            return up
        clock = asyncio.get_running_loop().time
        began, watched_s = clock(), 0.0
        self._condemned.pop(service.name, None)
        while watched_s < service.start_timeout_s:
            round_at = clock()
            if (result := await self.prober.probe(service, probe)).ok:
                return up
            await asyncio.sleep(_step_s(probe, clock() - began))
            # time in which we ourselves stood still is not the service's
            watched_s += min(clock() - round_at, probe.timeout_s + 2 * STEP_S)
            mark, said = self._condemned.pop(service.name, ("", ""))
            if terms.missing():  # it cannot be healthy before its dependency is
                watched_s = 0.0
            elif mark == life.mark:
                return self._slow(service, life, f"it is ill after {clock() - began:.1f} s: {said}")
        late = f"did not become healthy within {service.start_timeout_s:g} s"
        return self._slow(service, life, f"{late}: {result.reason}" if result.reason else late)

    def _slow(self, service: Service, life: Incarnation, reason: str) -> Booted:
        output = self.platform.output(service.name, OUTPUT_LIMIT)
        return Booted(outcome="slow", reason=reason, incarnation=life, output=output)

    async def _until_end(self, life: Incarnation) -> Exit:
        ended = self._ended.setdefault(life.service, asyncio.Event())
        while True:
            ended.clear()
            end = self._ends.get(life.service)
            if end is not None and same_life(end.incarnation, life):
                return end
            await ended.wait()

    def _note_exit(self, end: Exit) -> None:
        service = end.incarnation.service
        self._ends[service] = end
        if event := self._ended.get(service):
            event.set()


def same_life(one: Incarnation, other: Incarnation) -> bool:
    """Boots of one act share their mark, so the process decides."""
    return (one.pid, one.started_at) == (other.pid, other.started_at)


def _step_s(probe: Probe, since_s: float) -> float:
    """A probe that is a command of its own costs too much to be eager."""
    return EAGER_STEP_S if since_s < EAGER_S and not isinstance(probe, ExecProbe) else STEP_S
