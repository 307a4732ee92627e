"""What the next start of a service needs, found out as soon as its process ended: while the permission is being synced."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from config.model import ProcessPlatform
from platforms.processes.launch import resolve
from platforms.processes.mark import public_environment

READY_S = 1.0  # a later start looks for itself: programs come and go


class Ready(Struct, frozen=True):
    """How to start a service but for its mark."""

    declared: ProcessPlatform
    argv: list[str]
    environment: Mapping[str, str]
    until: float  # loop time

    def fits(self, declared: ProcessPlatform, now: float) -> bool:
        return self.declared is declared and now < self.until


class Starts:
    """Makes ready; keeps the environment for each service, as our own does not change."""

    def __init__(self) -> None:
        self._environments: dict[str, tuple[ProcessPlatform, Mapping[str, str]]] = {}

    def make_ready(
        self, service: str, declared: ProcessPlatform, daemon: Mapping[str, str], now: float
    ) -> Ready:
        """Raises PlatformError with what is missing."""
        known = self._environments.get(service)
        if known is None or known[0] is not declared:
            known = self._environments[service] = declared, public_environment(daemon, declared.env)
        argv = resolve(declared.command, Path(declared.cwd), known[1])
        return Ready(declared, argv, known[1], now + READY_S)
