"""What the main of every task script shares: arguments with examples, clear errors, exit codes, a clean Ctrl-C."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Never

from msgspec import Struct

import config.monitoring
from config.problems import ConfigError
from mlops.errors import BadInputError
from mlops.places import Places

BAD_INPUT, INTERRUPTED = 2, 130
CONFIG = Path("config/monitoring_config.json")
SCRIPTS = Path(__file__).absolute().parents[1] / "scripts"
_SHIPPED = Path(config.monitoring.__file__).with_name(CONFIG.name)


def parser(about: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose --help ends with examples that can be copied."""
    return argparse.ArgumentParser(
        description=about,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


class Setup(Struct, frozen=True):
    """What every script works on."""

    places: Places
    config: config.monitoring.MonitoringConfig


def add_setup_arguments(parser: argparse.ArgumentParser) -> None:
    """--root and --config, which `setup` reads."""
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where data/, models/ and the like lie (default: here)",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"which models there are (default: {CONFIG} below the root, else the one that ships)",
    )


def setup(arguments: argparse.Namespace) -> Setup:
    """The places and the configuration that the arguments ask for, or ConfigError with all that is wrong."""
    root: Path = arguments.root.absolute()
    if not root.is_dir():
        raise BadInputError("no such folder", where=root, do="--root names a folder that is there")
    own = root / CONFIG
    path = arguments.config or (own if own.exists() else _SHIPPED)
    return Setup(Places(root), config.monitoring.load_monitoring(path, os.environ))


def step_outputs(**values: object) -> None:
    """For later steps of a GitHub workflow; nothing elsewhere."""
    path = os.environ.get("GITHUB_OUTPUT", "")
    if not path:
        return
    lines = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}\n"
        for name, value in values.items()
    ]
    with Path(path).open("a", encoding="utf-8") as file:
        file.writelines(lines)


def leave(main: Callable[[], int]) -> Never:
    """Run a script's main and leave with its exit code: 2 and one line a problem for bad input or a disk that takes nothing,
    130 for Ctrl-C.
    """
    # the folder of a script that is run by its path would come before packages of the same names as its modules
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").absolute() != SCRIPTS]
    try:
        code = main()
    except (BadInputError, ConfigError) as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the one place where scripts of models print an error
        code = BAD_INPUT
    except OSError as error:
        if error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror}", file=sys.stderr)  # noqa: T201 -- as above: a full disk, no permission
        code = BAD_INPUT
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
