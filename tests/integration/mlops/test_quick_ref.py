import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.model import Config

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "SELF_HEALING_QUICK_REF.md").read_text()
COMMANDS = re.findall(r"^\| `python (scripts/\S+)([^`]*)` \|", PAGE, re.MULTILINE)
SWITCHES = re.findall(r"^\| `(\w+)\.(\w+)` \| `([^`]+)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("script", "words"), COMMANDS, ids=[script for script, _ in COMMANDS])
def test_each_command_names_a_script_and_options_that_it_has(script: str, words: str) -> None:
    text = (ROOT / script).read_text() + (ROOT / "mlops/entry.py").read_text()
    assert {option for option in re.findall(r"--[a-z-]+", words) if f'"{option}"' not in text} == set()


def test_every_script_of_the_guide_stands_on_the_page() -> None:
    guide = (ROOT / "docs" / "SELF_HEALING.md").read_text()
    used = set(re.findall(r"python (scripts/\w+\.py)", guide))
    assert len(used) > 10
    assert used - {script for script, _ in COMMANDS} == set()


@pytest.mark.parametrize(("section", "key", "default"), SWITCHES)
def test_each_switch_has_the_default_that_the_page_tells(section: str, key: str, default: str) -> None:
    built: Any = getattr(Config(), section)
    assert getattr(built, key) == msgspec.json.decode(default.encode())


def test_the_page_is_one_page() -> None:
    assert len(SWITCHES) == 7
    assert PAGE.count("\n") < 90
