"""Runs one agent alone: what the last line of each agent's file does when the file itself is started."""

import os
import sys
from pathlib import Path
from typing import NoReturn


def run_alone(file: str) -> NoReturn:
    """Become `nightwarden agent NAME` with the same arguments, by name, so that no agent imports what runs it.

    -P: the folder of the agents is on nobody's path, where its files would stand before others of their names.
    """
    name = Path(file).stem
    command = [sys.executable, "-P", "-m", "scripts.nightwarden", "agent", name, *sys.argv[1:]]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
