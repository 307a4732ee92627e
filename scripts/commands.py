"""What people may ask of the running daemon, by API or command line: each answer waits until it is durable."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from agents.events import OperatorCommanded
from dashboard.view import CommandRefusedError, UnknownServiceError
from scripts.control import CannotError, Handler

if TYPE_CHECKING:
    from scripts.daemon import Daemon
    from scripts.views import DaemonView

Command = Literal["stop", "start", "pause", "resume"]


class DaemonCommands:
    """Implements `Commands` of the dashboard."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon

    async def stop(self, service: str, by: str) -> None:
        await self.give("stop", by, service)

    async def start(self, service: str, by: str) -> None:
        await self.give("start", by, service)

    async def pause(self, by: str) -> None:
        await self.give("pause", by)

    async def resume(self, by: str) -> None:
        await self.give("resume", by)

    async def give(self, command: Command, by: str, service: str = "") -> None:
        daemon = self._daemon
        if service and daemon.world.config.service(service) is None:
            raise UnknownServiceError(service)
        if not daemon.ready.is_set():
            raise CommandRefusedError("the daemon is stopping")
        daemon.runner.say("operator", [OperatorCommanded(service=service, command=command, by=by)])
        if not await daemon.journal.durable(daemon.journal.position):
            raise CommandRefusedError(
                f"taken, but the state folder cannot be written ({daemon.journal.health.problem}): "
                "it is forgotten if the daemon dies now"
            )


class Socket:
    """What the local socket answers."""

    def __init__(
        self, daemon: "Daemon", view: "DaemonView", commands: DaemonCommands, *, chaos: bool
    ) -> None:
        self._daemon = daemon
        self._view = view
        self._commands = commands
        self._chaos = chaos

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "status": self.status,
            "incidents": self.incidents,
            "explain": self.explain,
            "stop": lambda service: self._give("stop", service),
            "start": lambda service: self._give("start", service),
            "pause": lambda: self._give("pause"),
            "resume": self.resume,
            "fault": self.fault,
        }

    async def status(self) -> Any:
        return {"services": self._view.services(), "summary": self._view.summary()}

    async def incidents(self) -> Any:
        return self._view.incidents()

    async def explain(self, incident: str) -> Any:
        found = [story.id for story in self._view.stories() if story.id.startswith(incident)]
        if len(found) != 1:
            many = f"{len(found)} incidents begin with" if found else "no incident begins with"
            raise CannotError(f"{many} {incident!r}; see: nightwarden incidents")
        return self._view.owner.explain(found[0])

    async def resume(self) -> Any:
        answer = await self._give("resume")
        files = [by for by in self._view.gate.state.paused.values() if by.startswith("file ")]
        return f"{answer}, but still paused by {files[0]} in the state folder: remove it" if files else answer

    async def fault(self, fault: str, service: str, for_s: float) -> Any:
        if not self._chaos:
            raise CannotError("faults are only made where CHAOS_ENABLED=true is set for the daemon")
        controller: Any = self._daemon.runner.cells["chaos_controller"].agent
        try:
            told = await controller.inject(fault, service, for_s)
        except (ValueError, RuntimeError) as refused:
            raise CannotError(str(refused)) from None
        return f"{told.fault} on {service} for {for_s:g} s"

    async def _give(self, command: Command, service: str = "") -> Any:
        try:
            await self._commands.give(command, "command line", service)
        except UnknownServiceError:
            known = ", ".join(s.name for s in self._daemon.world.config.services) or "none"
            raise CannotError(f"no service is called {service!r}; there are: {known}") from None
        except CommandRefusedError as refused:
            raise CannotError(str(refused)) from None
        return "done"
