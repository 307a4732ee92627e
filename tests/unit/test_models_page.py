"""docs/models.md gives every file of models/ and every key in it, and no key that is gone."""

import re
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields

from mlops.models.card import Card
from mlops.models.folder import CARD, ENCODER, MANIFEST, SCORERS
from mlops.registry.pointer import Change, Pointer

PAGE = (Path(__file__).parents[2] / "docs/models.md").read_text()


def section(title: str) -> str:
    [found] = re.findall(rf"^### {title}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(("title", "kind"), [("The pointer", Pointer), ("The card", Card)])
def test_every_key_of_a_file_is_described_and_no_other(title: str, kind: type[Struct]) -> None:
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(described) == sorted(field.encode_name for field in fields(kind))


def test_what_a_change_holds_is_described() -> None:
    [row] = re.findall(r"^\| `change` \|.*$", section("The pointer"), re.MULTILINE)
    assert {field.encode_name for field in fields(Change)} <= set(re.findall(r"`(\w+)`", row))


def test_every_file_of_a_version_is_described() -> None:
    assert {name for name in (MANIFEST, CARD, ENCODER, *SCORERS) if name not in section("A version")} == set()
