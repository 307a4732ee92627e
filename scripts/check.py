"""`nightwarden check`: is a configuration valid, and what can it not diagnose?"""

import os
import sys
from pathlib import Path

from config.check import warnings
from config.loader import load
from config.problems import ConfigError


def main(path: Path) -> int:
    """0: valid (warnings go to the terminal too); 2: not, every problem on a line of its own."""
    try:
        config = load(path, os.environ)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    for line in warnings(config, str(path)):
        print(f"note: {line}")
    count = len(config.services)
    print(f"{path}: valid, {count} service{'' if count == 1 else 's'}")
    return 0
