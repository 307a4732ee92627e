"""Services that are only watched: taken to run always, so that their probe alone says how they are."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from config.model import Service
from platforms.platform import CLEAR, Exit, Incarnation, PlatformError, ProcessSample, Sight

_MARK = "watched"


class WatchOnly:
    """Implements `Platform`, and refuses whatever would touch a service."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()

    def configure(self, services: Sequence[Service]) -> None:
        self._names = frozenset(service.name for service in services)

    def current(self, service: str) -> Incarnation | None:
        return Incarnation(service, _MARK, 0, 0.0) if service in self._names else None

    def sight(self, service: str) -> Sight:
        del service
        return CLEAR

    async def adopt(self) -> list[Incarnation]:
        return []

    async def start(self, service: str, mark: str) -> Incarnation:
        del mark
        self._refuse(service)

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        del signal, grace_s
        self._refuse(service)

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        """Nothing of these is ever seen to end."""

    def sample(self, service: str) -> ProcessSample | None:
        del service
        return None

    def is_frozen(self, service: str) -> bool:
        del service
        return False

    def suspect(self, service: str) -> None:
        """There is nothing to look at but the probe."""

    def output(self, service: str, limit: int = 2048) -> str:
        del service, limit
        return ""

    async def close(self) -> None:
        return None

    def _refuse(self, service: str) -> NoReturn:
        raise PlatformError(f'{service} is only watched ("type": "http"): nothing here can start or stop it')
