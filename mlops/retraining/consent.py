"""The operator's consent and thresholds: config/self_healing_config.json."""

import argparse
import os
from pathlib import Path

import config.model
from config.loader import load
from config.model import Config
from mlops.places import Places

HEALING = Path("config/self_healing_config.json")
_SHIPPED = Path(config.model.__file__).with_name(HEALING.name)


def add_healing_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--healing-config",
        type=Path,
        metavar="FILE",
        help=f"consent and thresholds (default: {HEALING} below the root, else the one that ships)",
    )


def healing(places: Places, path: Path | None) -> Config:
    """ConfigError with all that is wrong."""
    own = places.root / HEALING
    return load(path or (own if own.exists() else _SHIPPED), os.environ)
