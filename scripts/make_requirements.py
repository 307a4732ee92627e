"""Makes requirements.txt from the core lock: the same pins without hashes, for hosts that read only that file."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def pins(lock: str) -> str:
    """The requirement lines of a lock file."""
    lines = [re.sub(r"\s*\\$", "", line) for line in lock.splitlines()]
    return "\n".join(line for line in lines if re.match(r"[a-z0-9]", line)) + "\n"


if __name__ == "__main__":
    (ROOT / "requirements.txt").write_text(pins((ROOT / "requirements/core.lock").read_text()))
