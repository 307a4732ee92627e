"""`nightwarden check`: is a configuration valid, and what can it not diagnose?"""

import json
import os
import sys
from pathlib import Path

from config.check import warnings
from config.loader import load
from config.monitoring import is_of_models, load_monitoring
from config.problems import ConfigError


def main(path: Path) -> int:
    """0: valid (warnings go to the terminal too); 2: not, every problem on a line of its own."""
    try:
        if of_models(path):
            return _models(path)
        config = load(path, os.environ)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    for line in warnings(config, str(path)):
        print(f"note: {line}")
    count = len(config.services)
    print(f"{path}: valid, {count} service{'' if count == 1 else 's'}")
    return 0


def of_models(path: Path) -> bool:
    """Whether the file is the configuration of models, told by its keys; what is no JSON is not."""
    try:
        return is_of_models(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return False


def _models(path: Path) -> int:
    config = load_monitoring(path, os.environ)
    for name in config.tables:
        if not Path(name).is_file():
            print(f"note: {path}: {name}: no such file here now")
    count = len(config.models)
    print(f"{path}: valid, {count} model{'' if count == 1 else 's'}")
    return 0
