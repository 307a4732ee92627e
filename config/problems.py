"""What is wrong with a configuration or the environment: clear lines, all of them at once."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct


class ConfigError(Exception):
    """Nothing can start with this; `problems` holds one line for each thing that is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Problem(Struct, frozen=True):
    path: str  # JSON path, for example $.services[2].probe
    message: str

    def line(self, source: str) -> str:
        return f"{source}: {self.path}: {self.message}"


def member(path: str, key: str) -> str:
    """The path of an object's member.

    >>> member("$.env", "PORT"), member("$.env", "a b")
    ('$.env.PORT', '$.env["a b"]')
    """
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{_quoted(key)}]"


def shown(value: Any) -> str:
    """A value as JSON, shortened: what stands in the file is what people search for.

    >>> shown("x" * 60)
    '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    text = _quoted(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def holds_half_a_character(text: str) -> bool:
    """JSON can name the halves of a pair one by one; no file, terminal or log takes one."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if holds_half_a_character(text) else text


def nearest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A hint that ends a message: the known word that was probably meant, or else all of them.

    >>> nearest("timeout", ["timeout_s", "url"])
    '; did you mean "timeout_s"?'
    """
    choices = sorted(known)
    if close := difflib.get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"; did you mean {shown(close[0])}?"
    return f"; {otherwise}{', '.join(choices)}" if otherwise and choices else ""
