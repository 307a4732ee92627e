"""What people may ask of the running daemon, by API or command line: each answer waits until it is durable."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from agents.act_gate import ActGate
from agents.events import CommandAnswered, MaintenanceVetoed, OperatorCommanded, VetoRefused
from dashboard.view import Answer, CommandRefusedError, UnknownServiceError, Word
from scripts.chaos_socket import ChaosSocket
from scripts.control import CannotError, Handler
from utils.event import Fact, Record

if TYPE_CHECKING:
    from scripts.daemon import Daemon
    from scripts.views import DaemonView

ANSWER_WITHIN_S = 15.0
Command = Literal["stop", "start", "pause", "resume", "silence"]


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

    async def give(self, command: Command, by: str, service: str = "", for_s: float = 0.0) -> None:
        daemon = self._daemon
        if service and daemon.world.config.service(service) is None:
            raise UnknownServiceError(service)
        if not daemon.ready.is_set():
            raise CommandRefusedError("the daemon is stopping")
        said = OperatorCommanded(service=service, command=command, by=by, for_s=for_s)
        daemon.runner.say("operator", [said])
        await self._durable()

    async def decide(self, word: Word, about: str, by: str, typed: str = "", for_s: float = 0.0) -> Answer:
        if not self._daemon.ready.is_set():
            raise CommandRefusedError("the daemon is stopping")
        said = OperatorCommanded(command=word, by=by, about=self._full_id(about), typed=typed, for_s=for_s)
        answered = self._answer_to(said)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await answered
        except TimeoutError:
            raise CommandRefusedError(
                "taken, but not answered in time; look at the incident before you say it again"
            ) from None
        await self._durable()
        return answer

    def _answer_to(self, said: OperatorCommanded) -> "asyncio.Future[Answer]":
        """Say it, and wait for what the agent makes of it who decides."""
        runner = self._daemon.runner
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def listen(record: Record) -> None:
            for fact in record.results:
                if fact.cause == said.id and not answered.done() and (answer := _answer_of(fact)):
                    answered.set_result(answer)

        runner.listeners.append(listen)
        answered.add_done_callback(lambda _: runner.listeners.remove(listen))
        runner.say("operator", [said])
        return answered

    def _full_id(self, about: str) -> str:
        """The beginning of an id is enough where it leaves no doubt."""
        gate: ActGate = self._daemon.runner.cells["act_gate"].agent  # type: ignore[assignment]  # a cell holds any agent
        known = {
            *(asked.id for asked in gate.state.asked.values()),
            *gate.state.asked,
            *gate.state.answered,
            *(way.act.incident for way in gate.state.ways_back.values()),
            *gate.state.ways_back,
            *self._plans(),
        }
        found = [one for one in known if about and one.startswith(about)]
        return found[0] if len(found) == 1 else about

    def _plans(self) -> Collection[str]:
        cell = self._daemon.runner.cells.get("render_prevention_agent")
        return cell.agent.state.upkeep if cell is not None else ()

    async def _durable(self) -> None:
        journal = self._daemon.journal
        if not await journal.durable(journal.position):
            raise CommandRefusedError(
                f"taken, but the state folder cannot be written ({journal.health.problem}): "
                "it is forgotten if the daemon dies now"
            )


def _answer_of(fact: Fact) -> Answer | None:
    match fact:
        case CommandAnswered():
            return Answer(fact.accepted, fact.answer)
        case MaintenanceVetoed():
            return Answer(accepted=True, answer=f"the maintenance of {fact.service} will not be done")
        case VetoRefused():
            return Answer(accepted=False, answer=fact.reason)
    return None


class Socket:
    """What the local socket answers."""

    def __init__(self, daemon: "Daemon", view: "DaemonView", commands: DaemonCommands) -> None:
        self._daemon = daemon
        self._view = view
        self._commands = commands
        self._chaos = ChaosSocket(daemon)

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "status": self.status,
            "incidents": self.incidents,
            "maintenance": self.maintenance,
            "explain": self.explain,
            "stop": lambda service: self._give("stop", service),
            "start": lambda service: self._give("start", service),
            "pause": lambda: self._give("pause"),
            "resume": self.resume,
            **{word: partial(self._decide, word) for word in get_args(Word)},
            **self._chaos.handlers(),
        }

    async def status(self) -> Any:
        return {"services": self._view.services(), "summary": self._view.summary()}

    async def incidents(self) -> Any:
        return self._view.incidents()

    async def maintenance(self) -> Any:
        return self._view.maintenance()

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

    async def _decide(self, word: Word, about: str, typed: str = "", for_s: float = 0.0) -> Any:
        try:
            answer = await self._commands.decide(word, about, "command line", typed, for_s)
        except CommandRefusedError as refused:
            raise CannotError(str(refused)) from None
        if not answer.accepted:
            raise CannotError(answer.answer)
        return answer.answer

    async def _give(self, command: Command, service: str = "") -> Any:
        try:
            await self._commands.give(command, "command line", service)
        except UnknownServiceError:
            known = ", ".join(s.name for s in self._daemon.world.config.services) or "none"
            raise CannotError(f"no service is called {service!r}; there are: {known}") from None
        except CommandRefusedError as refused:
            raise CannotError(str(refused)) from None
        return "done"
