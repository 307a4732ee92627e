"""A daemon whose terminal was closed goes on: nobody fails for having nobody to talk to."""

import os
import sys
from pathlib import Path

import pytest

from agents.events import FixStarted
from agents.notifier import Notifier
from config.fixes import load_fixes
from config.model import Config
from config.world import World
from scripts.assembly import _tell


def test_the_notifier_goes_on_when_its_terminal_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = os.openpty()
    with os.fdopen(its, "w") as terminal:
        os.close(ours)
        monkeypatch.setattr(sys, "stdout", terminal)
        with pytest.raises(OSError, match="Input/output error"):
            print("nobody hears it", flush=True)
        notifier = Notifier(World(Config(), load_fixes(), Path("state")), _tell)
        act = FixStarted(
            id="act", service="shop", fix="respawn", agent="application_recovery", cause_name="crash",
            culprit="shop", deadline_s=5.0,
        )  # fmt: skip
        assert list(notifier.handle(act)) == []
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), terminal.fileno())  # what is buffered has to go somewhere
