"""One service that is reached by commands: which life it is in, as far as its status and identity tell."""

import asyncio
from math import inf

from msgspec import Struct

from config.model import Command, ExecPlatform, Service

_ENDED_AFTER = 2  # looks in a row: one may meet a restart half-way
_AGAIN_S = 1.0  # after a look that says it does not run
_UNNAMED = "unit"  # a life that neither an identity nor an act of ours has named


class Look(Struct, frozen=True):
    """What its status command said; `exit_code` None: nothing in time, so nobody can tell."""

    exit_code: int | None
    identity: str = ""


class Unit:
    """Taken to run until its status says otherwise, where it declares one."""

    def __init__(self, service: Service) -> None:
        assert isinstance(service.platform, ExecPlatform)
        self.service = service
        self.platform: ExecPlatform = service.platform
        self.runs = service.platform.status is None
        self.mark = _UNNAMED
        self.output = ""
        self.acting = False
        self.looked_at = -inf
        self.looking: asyncio.Task[None] | None = None
        self._ill_looks = 0

    def is_due(self, now: float) -> bool:
        busy = self.acting or (self.looking is not None and not self.looking.done())
        pace_s = self.platform.interval_s if self._ill_looks == 0 else min(self.platform.interval_s, _AGAIN_S)
        return not busy and now - self.looked_at >= pace_s

    def hurry(self) -> None:
        self.looked_at = -inf

    def see(self, look: Look) -> None:
        if look.exit_code is None:
            return
        if look.exit_code == 0:
            self._ill_looks, self.runs = 0, True
            self.mark = look.identity or self.mark
            return
        self._ill_looks += 1
        if self._ill_looks >= _ENDED_AFTER:
            self.runs = False

    def began(self, mark: str) -> None:
        """A command of ours started it; an identity, where there is one, will name it better."""
        self._ill_looks, self.mark = 0, mark
        self.runs = self.runs or self.platform.status is None

    def stopped(self) -> None:
        self.runs = False

    def commands(self, step: str) -> list[Command]:
        """The commands of one step, in order; empty where it declares none for it."""
        platform = self.platform
        known = {"start": [platform.start], "stop": [platform.stop], "restart": [platform.restart]}
        found = known[step]
        if step == "restart" and platform.restart is None:
            found = [platform.stop, platform.start]
        return [command for command in found if command is not None]
