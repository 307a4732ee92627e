"""What the main of every task script shares: arguments with examples, clear errors, exit codes, a clean Ctrl-C."""

import argparse
import sys
from collections.abc import Callable
from typing import Never

from config.problems import ConfigError
from mlops.errors import BadInputError

BAD_INPUT, INTERRUPTED = 2, 130


def parser(about: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose --help ends with examples that can be copied."""
    return argparse.ArgumentParser(
        description=about,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def leave(main: Callable[[], int]) -> Never:
    """Run a script's main and leave with its exit code: 2 and one line a problem for bad input, 130 for Ctrl-C."""
    try:
        code = main()
    except (BadInputError, ConfigError) as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the one place where scripts of models print an error
        code = BAD_INPUT
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
