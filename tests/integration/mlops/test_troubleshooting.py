import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ENTRIES = re.findall(r"^- (.*?)(?=^- |^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
MESSAGES = re.findall(r"\*\*`([^`]+)`\*\*", PAGE)
PLACE = "..."


def told(node: ast.expr) -> str:
    """A text as the page writes it: what is filled in stands as three dots."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    return "".join(PLACE if isinstance(part, ast.FormattedValue) else told(part) for part in node.values)


@cache
def texts() -> frozenset[str]:
    """Every text of more than one word that the programs of models hold."""
    paths = [
        *(ROOT / "mlops").rglob("*.py"),
        *(ROOT / "scripts").glob("*.py"),
        ROOT / "agents/model_monitor.py",
    ]
    return frozenset(
        found
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.JoinedStr | ast.Constant) and " " in (found := told(node))
    )


def says(text: str, message: str) -> bool:
    """Whether the parts of the message stand in the text, in their order."""
    at = 0
    for part in filter(None, message.split(PLACE)):
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_of_the_page_is_one_that_a_program_prints(message: str) -> None:
    assert [text for text in texts() if says(text, message)], "no program says so"


def test_each_entry_begins_with_a_message_and_says_more() -> None:
    assert len(ENTRIES) > 40
    for entry in ENTRIES:
        assert entry.startswith("**`"), entry
        explained = re.sub(r"\*\*`[^`]+`\*\*", "", entry)
        assert len(explained.split()) >= 5, entry
