"""What people and metrics read of proven backups: data recovery's own table, for what is declared now."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from agents.data_recovery import DataRecovery
from config.world import World
from dashboard.figures import BackupReading
from dashboard.view import Item


class Proofs:
    def __init__(
        self,
        world: World,
        agent: Callable[[str], Any],
        text: Callable[[float], str],
        wall: Callable[[float], datetime],
    ) -> None:
        self._world = world
        self._agent = agent
        self._text = text
        self._wall = wall

    def items(self, service: str = "") -> Sequence[Item]:
        """Of one service, or of all."""
        return [
            {
                "service": one.service,
                "target": one.target,
                "ok": one.ok,
                "proven_at": self._text(one.good_at) if one.good_at else None,
                "tried_at": self._text(one.at),
                "backup": one.backup,
                "seconds": one.seconds,
                "size_bytes": one.size_bytes,
                "rows": one.rows,
                "problem": one.problem,
            }
            for one in self._declared()
            if not service or one.service == service
        ]

    def readings(self) -> list[BackupReading]:
        return [
            BackupReading(
                service=one.service,
                target=one.target,
                ok=one.ok,
                good_unix_s=self._wall(one.good_at).timestamp() if one.good_at else 0.0,
                size_bytes=one.size_bytes,
            )
            for one in self._declared()
        ]

    def _declared(self) -> Iterator[Any]:
        keeper: DataRecovery = self._agent("data_recovery")
        declared = {
            (service.name, target)
            for service in self._world.config.services
            for target in (*(file.path for file in service.files), "database")
        }
        for one in keeper.state.proven.values():
            if (one.service, one.target) in declared:
                yield one
