"""Examples in docstrings are kept true: each is run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "agents",
    "analysis",
    "benchmarks",
    "config",
    "dashboard",
    "platforms",
    "scripts",
    "tests/fixtures",
    "utils",
)
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    ran = doctest.testmod(import_module(module))
    assert ran.attempted > 0
    assert ran.failed == 0
