"""What the local socket answers about faults on purpose."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.chaos_controller import ChaosController
from platforms.chaos.names import FAULTS
from scripts.control import CannotError, Handler

if TYPE_CHECKING:
    from scripts.daemon import Daemon


class ChaosSocket:
    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon

    def handlers(self) -> Mapping[str, Handler]:
        return {"fault": self.fault, "faults": self.faults, "unfault": self.unfault}

    async def fault(
        self, fault: str, service: str, for_s: float, options: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            told = await self._controller().inject(fault, service, for_s, options or {})
        except (ValueError, RuntimeError) as refused:
            raise CannotError(str(refused)) from None
        return f"{told.fault} on {service} for {for_s:g} s: {told.detail}"

    async def faults(self) -> Any:
        """What is in now, what is still written down, and what there is to choose from."""
        notes = await asyncio.to_thread(self._notes)
        return {
            "active": self._controller().active(),
            "notes": notes,
            "known": {name: text for name, (_, text) in FAULTS.items()},
            "refused": self._daemon.world.no_chaos(),
        }

    async def unfault(self, service: str = "") -> Any:
        left = await self._controller().end(service)
        if left:
            raise CannotError(f"not undone yet, and tried again: {'; '.join(left)}")
        return "nothing is left of it" if service else "no fault is in"

    def _controller(self) -> ChaosController:
        cell = self._daemon.runner.cells.get("chaos_controller")
        if cell is None or not isinstance(cell.agent, ChaosController):
            raise CannotError("the chaos controller does not run here")
        return cell.agent

    def _notes(self) -> list[str]:
        folder = self._daemon.world.state_dir / "chaos"
        return sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
