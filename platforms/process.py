"""Runs services as our own children: no wrapper around them, ends seen at once, found again after a crash of ours."""

import asyncio
import contextlib
import inspect
import os
import signal as signals
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from config.model import ProcessPlatform as Declared
from config.model import Service
from platforms.platform import CLEAR, Exit, Incarnation, PlatformError, ProcessSample, Sight
from platforms.processes.adopt import find_leaders
from platforms.processes.boots import Boots
from platforms.processes.group import Strangers, carriers, kill_all, leaderless, send, signal_number, tree
from platforms.processes.launch import reap, spawn
from platforms.processes.mark import Mark, marked
from platforms.processes.output import OutputFiles
from platforms.processes.pidfd import ExitWatch
from platforms.processes.ready import Ready, Starts
from platforms.processes.records import Record, Records
from platforms.processes.table import Process, ProcessTable, process_table
from platforms.processes.usage import Usage
from utils.state_lock import is_held

_GROUP_LOOK_S = 0.01


class _Life:
    """A living incarnation and what watches it."""

    def __init__(self, incarnation: Incarnation, usage: Usage) -> None:
        self.incarnation = incarnation
        self.usage = usage
        self.gone = asyncio.Event()
        self.stopping = False
        self.exit: Exit | None = None
        self.watch: ExitWatch | None = None


class ProcessPlatform:
    """Implements `Platform`. Belongs to the event loop that first uses it."""

    def __init__(
        self, state_dir: Path, services: Sequence[Service] = (), table: ProcessTable | None = None
    ) -> None:
        self._state = str(state_dir.resolve())
        self.boots = Boots()
        self._table = table or process_table()
        self._outputs = OutputFiles(state_dir / "logs")
        self._records = Records(state_dir / "run")
        self._services: dict[str, Service] = {}
        self._lives: dict[str, _Life] = {}
        self._last_pid: dict[str, int] = {}
        self._born_here: set[str] = set()  # services whose last leader was our own child
        self._ready: dict[str, Ready] = {}  # dead ones of which nothing is left
        self._starts = Starts()
        self._strangers = Strangers()
        self._locks: dict[str, asyncio.Lock] = {}
        self._callbacks: list[Callable[[], Callable[[Exit], None] | None]] = []
        self._rotations: dict[str, asyncio.Task[None]] = {}
        self.configure(services)

    def configure(self, services: Sequence[Service]) -> None:
        self._services = {service.name: service for service in services}

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        """A method is held weakly: an agent that was built anew leaves nothing here."""
        self._callbacks = [held for held in self._callbacks if held() is not None]
        self._callbacks.append(
            weakref.WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback
        )

    def current(self, service: str) -> Incarnation | None:
        life = self._lives.get(service)
        return life.incarnation if life else None

    def sight(self, service: str) -> Sight:
        del service
        return CLEAR

    async def adopt(self) -> list[Incarnation]:
        records = [record for record in self._records.read() if not self._is_of_another(record.state)]
        self._last_pid |= {record.incarnation.service: record.incarnation.pid for record in records}
        found = await asyncio.to_thread(find_leaders, self._table, self._state, records)
        adopted = []
        for incarnation in found:
            leader = self._leader(incarnation)
            if leader is None or incarnation.service in self._lives:
                continue
            self._watch(incarnation, leader)
            adopted.append(incarnation)
        return adopted

    def _is_of_another(self, state: str) -> bool:
        """A state folder that was copied names processes of a daemon that may well be alive; a moved one does not."""
        return state not in {"", self._state} and is_held(Path(state))

    async def start(self, service: str, mark: str) -> Incarnation:
        async with self._lock(service):
            if life := self._living(service):
                if life.incarnation.mark == mark:
                    return life.incarnation
                raise PlatformError(f"{service} runs already, as process {life.incarnation.pid}")
            await self._clear(service)
            try:
                return self._spawn(service, mark)
            except PlatformError as error:
                raise PlatformError(f"{service}: {error}") from error

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        number = signal_number(signal)
        async with self._lock(service):
            life = self._lives.get(service)
            if life:
                life.stopping = True
                try:
                    await self._end(life, number, grace_s)
                finally:
                    life.stopping = False  # of a stop that was cancelled, a later end is no consequence
            await self._clear(service)
            with contextlib.suppress(OSError):
                self._records.remove(service)
            return life.exit if life else None

    def sample(self, service: str) -> ProcessSample | None:
        life = self._lives.get(service)
        leader = self._leader(life.incarnation) if life else None
        if life is None or leader is None:
            return None
        if self._outputs.is_full(service) and service not in self._rotations:
            task = asyncio.create_task(self._rotate(service), name=f"rotate {service}")
            self._rotations[service] = task
        return life.usage.measure(leader, asyncio.get_running_loop().time())

    def is_frozen(self, service: str) -> bool:
        life = self._lives.get(service)
        leader = self._leader(life.incarnation) if life else None
        return leader is not None and leader.state == "T"

    def suspect(self, service: str) -> None:
        """Ends are seen as they happen."""

    def output(self, service: str, limit: int = 2048) -> str:
        return self._outputs.tail(service, limit)

    async def close(self) -> None:
        for life in self._lives.values():
            if life.watch:
                life.watch.close()
        self._lives.clear()
        await asyncio.gather(*self._rotations.values(), return_exceptions=True)

    def _living(self, service: str) -> _Life | None:
        """Looks at the process itself: its end may be on the way to us."""
        life = self._lives.get(service)
        if life and life.watch and self._leader(life.incarnation) is None:
            life.watch.close()
            self._ended(life)
        return self._lives.get(service)

    def _lock(self, service: str) -> asyncio.Lock:
        return self._locks.setdefault(service, asyncio.Lock())

    def _spawn(self, service: str, mark: str) -> Incarnation:
        declared = self._declared(service)
        if declared is None:
            raise PlatformError("no such service is configured")
        ready = self._ready_for(service) or self._make_ready(service, declared)
        self._ready.pop(service, None)
        argv, environment = self.boots.over(service, ready.argv, ready.environment)
        environment = marked(environment, Mark(service, mark), self._state)
        descriptor = self._outputs.open(service)
        try:
            pid = spawn(declared.command[0], argv, Path(declared.cwd), environment, descriptor)
        finally:
            os.close(descriptor)
        leader = self._table.read(pid)
        incarnation = Incarnation(service, mark, pid, leader.started_at if leader else 0.0)
        self._watch(incarnation, None)
        self._born_here.add(service)
        self._remember(incarnation)
        return incarnation

    def _remember(self, incarnation: Incarnation) -> None:
        self._last_pid[incarnation.service] = incarnation.pid
        with contextlib.suppress(
            OSError
        ):  # a full disk keeps no service down; the mark in its environment is left
            self._records.write(Record(incarnation, self._table.boot(), self._state))

    def _watch(self, incarnation: Incarnation, leader: Process | None) -> None:
        """`leader` is None for a process that was born now: its processor time counts from zero."""
        usage = Usage(self._table, leader, asyncio.get_running_loop().time())
        life = self._lives[incarnation.service] = _Life(incarnation, usage)
        life.watch = ExitWatch(
            incarnation.pid,
            is_alive=lambda: self._leader(incarnation) is not None,
            gone=lambda: self._ended(life),
        )

    def _leader(self, incarnation: Incarnation) -> Process | None:
        found = self._table.read(incarnation.pid)
        same = found is not None and found.alive and found.started_at == incarnation.started_at
        return found if same else None

    def _ended(self, life: _Life) -> None:
        service = life.incarnation.service
        code, number = (None, None) if life.incarnation.adopted else reap(life.incarnation.pid)
        life.exit = Exit(life.incarnation, code, number, self._outputs.tail(service, 2048), life.stopping)
        del self._lives[service]
        life.gone.set()
        for held in tuple(self._callbacks):
            if (callback := held()) is not None:
                callback(life.exit)
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._prepare, service)  # behind those who decide on a start

    def _prepare(self, service: str) -> None:
        """The orphans of a dead leader were given away before its end was told, so none of them shows up later."""
        declared, busy = self._declared(service), self._lock(service).locked()
        if declared is None or busy or service in self._lives or service not in self._born_here:
            return
        with contextlib.suppress(PlatformError):  # its start says what is missing
            if not self._rest(service):
                self._ready[service] = self._make_ready(service, declared)

    def _make_ready(self, service: str, declared: Declared) -> Ready:
        now = asyncio.get_running_loop().time()
        return self._starts.make_ready(service, declared, os.environ, now)

    def _ready_for(self, service: str) -> Ready | None:
        """What was prepared when its last process ended, if that holds still."""
        ready, declared = self._ready.get(service), self._declared(service)
        now = asyncio.get_running_loop().time()
        return ready if ready and declared and ready.fits(declared, now) else None

    def _declared(self, service: str) -> Declared | None:
        known = self._services.get(service)
        return known.platform if known is not None and isinstance(known.platform, Declared) else None

    async def _end(self, life: _Life, number: int, grace_s: float) -> None:
        """Signal the group, wait, and SIGKILL it; returns when its leader is gone."""
        pid = life.incarnation.pid
        if grace_s > 0 and number != signals.SIGKILL:
            self._signal(life, number)
            try:
                async with asyncio.timeout(grace_s):
                    await life.gone.wait()
                    while leaderless(self._table, pid):  # noqa: ASYNC110 (nothing tells us of a group's end)
                        await asyncio.sleep(_GROUP_LOOK_S)
            except TimeoutError:
                pass
        if not life.gone.is_set():
            send(pid, signals.SIGKILL)
            try:
                async with asyncio.timeout(10):
                    await life.gone.wait()
            except TimeoutError as error:
                raise PlatformError(f"process {pid} does not die of SIGKILL") from error

    def _signal(self, life: _Life, number: int) -> None:
        leader = self._leader(life.incarnation)
        if leader is None:
            return  # its end is on the way to us
        frozen = any(process.state in "Tt" for process in tree(self._table, leader))
        send(leader.pid, number)
        if frozen:  # a stopped process hears nothing
            send(leader.pid, signals.SIGCONT)

    async def _clear(self, service: str) -> None:
        """Kill what is left of earlier lives: members of a dead leader's session, detached carriers of our mark."""
        if self._ready_for(service) is None:
            await kill_all(lambda: self._rest(service))
        self._last_pid.pop(service, None)

    def _rest(self, service: str) -> list[Process]:
        last = self._last_pid.get(service)
        if service in self._born_here:
            found = self._strangers.orphans(self._table, self._state, service)
        else:
            everybody = carriers(self._table, self._state)
            found = [process for mark, process in everybody if mark.service == service]
        return found + (leaderless(self._table, last) if last else [])

    async def _rotate(self, service: str) -> None:
        try:
            await asyncio.to_thread(self._outputs.rotate, service)
        except OSError:
            pass  # a full disk: tried again at the next sample
        finally:
            del self._rotations[service]
