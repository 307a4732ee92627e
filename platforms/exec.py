"""Services that somebody else runs (systemd, docker compose, a script), reached by the commands that they declare."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from config.model import Service
from platforms.listeners import Listeners
from platforms.platform import CLEAR, Done, Exit, Incarnation, PlatformError, ProcessSample, Sight, Task
from platforms.probing.exec import Ended, run, run_into
from platforms.processes.mark import public_environment
from platforms.processes.output import OutputFiles
from platforms.processes.table import ProcessTable, process_table
from platforms.unit import Look, Unit

_OUTPUT_LIMIT = 4096
_TOLD = 300  # bytes of what a failed command printed
_LOOK_S = 0.25


class Units:
    """Implements `Platform` and `Infrastructure`. `run` looks at every unit until cancelled."""

    def __init__(
        self, state_dir: Path, services: Sequence[Service] = (), table: ProcessTable | None = None
    ) -> None:
        self._outputs = OutputFiles(state_dir / "logs")  # of what its commands leave running
        self._table = table or process_table()
        self._units: dict[str, Unit] = {}
        self._listeners = Listeners()
        self.configure(services)

    # --- what is seen ---

    def configure(self, services: Sequence[Service]) -> None:
        before = self._units
        self._units = {
            service.name: old
            if (old := before.get(service.name)) and old.service == service
            else Unit(service)
            for service in services
        }

    def current(self, service: str) -> Incarnation | None:
        unit = self._units.get(service)
        return Incarnation(service, unit.mark, 0, 0.0) if unit and unit.runs else None

    def sight(self, service: str) -> Sight:
        del service
        return CLEAR

    async def adopt(self) -> list[Incarnation]:
        """One look at all of them, so that what runs is known before anybody watches."""
        await asyncio.gather(*(self._look(unit) for unit in self._units.values()))
        return []

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        self._listeners.add(callback)

    def sample(self, service: str) -> ProcessSample | None:
        del service
        return None

    def is_frozen(self, service: str) -> bool:
        del service
        return False

    def suspect(self, service: str) -> None:
        if unit := self._units.get(service):
            unit.hurry()

    def output(self, service: str, limit: int = 2048) -> str:
        unit = self._units.get(service)
        declared = unit is not None and unit.platform.output is not None
        return unit.output[-limit:] if unit and declared else self._outputs.tail(service, limit)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                for unit in self._units.values():
                    if unit.is_due(loop.time()):
                        unit.looking = group.create_task(
                            self._look(unit), name=f"look at {unit.service.name}"
                        )
                await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        self._units.clear()

    async def _look(self, unit: Unit) -> None:
        unit.looked_at = asyncio.get_running_loop().time()
        if (command := unit.platform.status) is None:
            return
        status = await self._ask(unit, command)
        name = ""
        if status.exit_code == 0 and unit.platform.identity is not None:
            said = await self._ask(unit, unit.platform.identity)
            name = said.output.strip() if said.exit_code == 0 else ""
        before = self.current(unit.service.name)
        unit.see(Look(status.exit_code, name))
        if before is not None and not unit.runs and self._units.get(unit.service.name) is unit:
            await self._tell_end(unit, before, status.output)

    async def _tell_end(self, unit: Unit, life: Incarnation, said: str) -> None:
        await self._read_output(unit)
        reason = f"its status command says that it does not run: {said.strip()[-200:] or 'nothing more'}"
        said_last = self.output(unit.service.name)
        self._listeners.tell(Exit(life, output=said_last, wanted=unit.acting, reason=reason))

    async def _read_output(self, unit: Unit) -> None:
        if unit.platform.output is not None:
            unit.output = (await self._ask(unit, unit.platform.output)).output
        if self._outputs.is_full(unit.service.name):
            await asyncio.to_thread(self._outputs.rotate, unit.service.name)

    # --- what is done ---

    async def start(self, service: str, mark: str) -> Incarnation:
        unit = self._unit(service)
        await self._do(unit, "start", mark)
        life = self.current(service)
        if life is None:
            raise PlatformError(f"{service} was started and does not run")
        return life

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        """By its own command, which knows signals and grace better."""
        del signal, grace_s
        before = self.current(service)
        await self._do(self._unit(service), "stop", "")
        return Exit(before, wanted=True) if before else None

    async def done_since(self, step: str, task: Task) -> Done | None:
        """Only an identity can tell one life from the next."""
        unit = self._unit(task.service.name)
        await self._look(unit)
        if unit.mark == task.mark:
            return Done(detail="done before")
        told = unit.platform.identity is not None and unit.runs and task.incarnation
        if step != "stop" and told and unit.mark != task.incarnation:
            return Done(detail="it was started since")
        return Done(detail="it does not run") if step == "stop" and not unit.runs else None

    async def carry_out(self, step: str, task: Task) -> Done:
        await self._do(self._unit(task.service.name), step, task.mark)
        return Done(detail=f"its {step} command ended well")

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        del undo_data
        raise PlatformError(f"nobody can take back the {step} of {task.service.name}")

    async def _do(self, unit: Unit, step: str, mark: str) -> None:
        unit.acting = True
        try:
            for command in unit.commands(step):
                await self._order(unit, command)
            unit.began(mark) if step != "stop" else unit.stopped()
            await self._look(unit)
        finally:
            unit.acting = False

    async def _ask(self, unit: Unit, command: tuple[str, ...]) -> Ended:
        cwd, environment = _surroundings(unit)
        limit_s = max(unit.platform.interval_s, 1.0)
        return await run(self._table, command, cwd, environment, limit_s, _OUTPUT_LIMIT)

    async def _order(self, unit: Unit, command: tuple[str, ...]) -> None:
        name, limit_s = unit.service.name, unit.platform.timeout_s
        cwd, environment = _surroundings(unit)
        descriptor = self._outputs.open(name)
        before = os.fstat(descriptor).st_size
        try:
            ended = await run_into(self._table, command, cwd, environment, limit_s, descriptor)
            said = self._outputs.tail(name, min(os.fstat(descriptor).st_size - before, _TOLD))
        finally:
            os.close(descriptor)
        if ended.exit_code != 0:
            raise PlatformError(_failure(unit, command, ended, said))

    def _unit(self, service: str) -> Unit:
        unit = self._units.get(service)
        if unit is None:
            raise PlatformError(f"{service} is not configured")
        return unit


def _surroundings(unit: Unit) -> tuple[Path, dict[str, str]]:
    return Path(unit.platform.cwd), public_environment(os.environ, unit.platform.env)


def _failure(unit: Unit, command: tuple[str, ...], ended: Ended, said: str) -> str:
    if ended.exit_code is None and ended.signal is None:
        return f"{command[0]} did not end within {unit.platform.timeout_s:g} s"
    how = f"exit code {ended.exit_code}" if ended.signal is None else f"signal {ended.signal}"
    return f"{' '.join(command)[:100]} ended with {how}: {said.strip()}"
