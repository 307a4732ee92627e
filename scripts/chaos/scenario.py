"""What one scenario of the chaos suite is: who is there, what is done to them, and what the right answer would be."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scripts.chaos.cell import Cell

Build = Callable[[Cell], list[dict[str, Any]]]
Deed = Callable[[Cell], Awaitable[None]]


async def nothing(_cell: Cell) -> None:
    """Nothing is done, and nothing is wrong."""


async def no_complaint(_cell: Cell) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`causes` empty: nothing is wrong, and the right number of acts is 0.

    Services are named by their role in the cell; `culprit` is who is to be blamed, `spared` are those whom no act may
    touch. A fault that no fix of ours can end is not `mitigable`: it ends by itself, and has no part in that share.
    """

    name: str
    family: str
    fault: str
    build: Build
    prepare: Deed = nothing  # before the daemon starts: links, and who lives elsewhere
    do: Deed = nothing
    culprit: str = ""
    causes: tuple[str, ...] = ()
    mitigable: bool = True
    spared: tuple[str, ...] = ()
    most_acts: int = 0  # 0: as many as it takes
    lasts_s: float = 0.0  # a run without a fault is watched for so long
    limit_s: float = 60.0
    regression: str = ""  # a mistake of other products that must not happen here
    stage: Literal["cells", "render", "models"] = "cells"  # where it is played
    how: Mapping[str, Any] | None = None  # of other stages than cells: what is done
    lone: bool = False  # needs a daemon of its own
    environ: Mapping[str, str] | None = None  # of that daemon
    within: Callable[[Path], list[str]] = lambda _state: []  # the command in which that daemon is run
    check: Callable[[Cell], Awaitable[str]] = no_complaint  # at the end: what else is wrong
    lacks: Callable[[], str] = lambda: ""  # why it cannot run on this machine

    @property
    def is_fault(self) -> bool:
        return bool(self.causes)
