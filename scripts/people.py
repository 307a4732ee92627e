"""What people ask of the running daemon from a chat: the same commands as by API, with a sentence for every answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agents.telling.port import Switch, Word
from dashboard.view import Answer, CommandRefusedError, UnknownServiceError
from scripts.commands import DaemonCommands

if TYPE_CHECKING:
    from scripts.daemon import Daemon

_DONE = {
    "pause": "nothing acts any more",
    "resume": "acting again",
    "silence": "silent",
}


class DaemonPeople:
    """Implements `People` of the notifier."""

    def __init__(self, daemon: "Daemon", commands: DaemonCommands) -> None:
        self._daemon = daemon
        self._commands = commands

    async def decide(self, word: Word, about: str, by: str, typed: str = "", for_s: float = 0.0) -> Answer:
        try:
            return await self._commands.decide(word, about, by, typed, for_s)
        except CommandRefusedError as refused:
            return Answer(accepted=False, answer=str(refused))

    async def switch(self, what: Switch, by: str, service: str = "", for_s: float = 0.0) -> Answer:
        try:
            await self._commands.give(what, by, service, for_s)
        except UnknownServiceError:
            known = ", ".join(one.name for one in self._daemon.world.config.services) or "none"
            return Answer(accepted=False, answer=f"no service is called {service!r}; there are: {known}")
        except CommandRefusedError as refused:
            return Answer(accepted=False, answer=str(refused))
        done = "no longer silent" if what == "silence" and for_s == 0 else _DONE[what]
        return Answer(accepted=True, answer=f"{done}: {service}" if service else done)

    def explain(self, incident: str) -> Sequence[str]:
        owner = self._agent("render_self_healing_agent")
        found = [known for known in owner.state.incidents if known.startswith(incident)] if owner else []
        return list(owner.explain(found[0])) if len(found) == 1 else ()

    def services(self) -> Mapping[str, str]:
        monitor = self._agent("service_monitor")
        names = [service.name for service in self._daemon.world.config.services]
        return {name: monitor.state.life(name).health if monitor else "unknown" for name in names}

    def paused(self) -> Mapping[str, str]:
        gate = self._agent("act_gate")
        return dict(gate.state.paused) if gate else {}

    def _agent(self, name: str) -> Any:
        cell = self._daemon.runner.cells.get(name)
        return cell.agent if cell is not None else None
