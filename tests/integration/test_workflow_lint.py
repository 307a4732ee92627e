"""What linters of others say of our workflows: their schema, and what an attacker could do with them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.real_daemon import ROOT

BIN = Path(sys.executable).parent
WORKFLOWS = sorted(str(path) for path in (ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted(str(path) for path in (ROOT / ".github/actions").glob("*/action.yml"))


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)]
)
def test_each_file_is_what_the_schema_asks_for(schema: str, files: list[str]) -> None:
    words = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *files]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert files and done.returncode == 0, done.stdout + done.stderr


def test_an_auditor_finds_nothing_of_weight() -> None:
    words = [
        str(BIN / "zizmor"), "--offline", "--no-progress", "--min-severity", "medium", *WORKFLOWS, *ACTIONS,
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
