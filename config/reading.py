"""Reads a configuration's bytes as JSON and finds what JSON lets pass: repeated keys, text that no file or process can hold."""

import json
from collections.abc import Iterator
from typing import Any

from config.problems import ConfigError, Problem, holds_half_a_character, member, shown

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stood there more than once."""

    repeated: tuple[str, ...] = ()


def decode(data: bytes, source: str) -> Any:
    """What stands there, with its oddities kept for `oddities`. Raises ConfigError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "; it looks like UTF-16: save it as UTF-8" if data.startswith(_UTF16) else ""
        raise ConfigError([f"{source}: not UTF-8 text at byte {error.start}{hint}"]) from error
    if not text.strip():
        raise ConfigError([f'{source}: the file is empty; {{"services": []}} would be a whole configuration'])
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ConfigError([f"{source}:{_what_is_wrong(error)}"]) from error
    except ValueError as error:  # the interpreter reads no number of more than 4300 digits
        raise ConfigError([f"{source}: a number is too long"]) from error
    except RecursionError as error:
        raise ConfigError([f"{source}: nested too deeply"]) from error


def oddities(raw: Any, path: str = "$") -> Iterator[Problem]:
    """What is wrong wherever it stands, whatever the types ask for."""
    if isinstance(raw, _Object):
        for key in raw.repeated:
            yield Problem(member(path, key), f"the key {shown(key)} stands here more than once")
    if isinstance(raw, dict):
        for key, item in raw.items():
            yield from _text_problems(key, member(path, key))
            yield from oddities(item, member(path, key))
    elif isinstance(raw, list):
        for place, item in enumerate(raw):
            yield from oddities(item, f"{path}[{place}]")
    elif isinstance(raw, str):
        yield from _text_problems(raw, path)


def _text_problems(text: str, path: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem(path, "must not contain a null character")
    if holds_half_a_character(text):
        yield Problem(path, f"holds half of a character, which nothing can write: {shown(text)}")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        found.repeated = tuple(key for key in found if keys.count(key) > 1)
    return found


def _what_is_wrong(error: json.JSONDecodeError) -> str:
    """LINE:COLUMN: and why; the decoder's own words mislead about what people write most."""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    why = error.msg
    if before.endswith(",") and after[:1] in ("]", "}"):
        error = json.JSONDecodeError(why, error.doc, len(before) - 1)
        why = "nothing follows this comma"
    elif after.startswith(("//", "/*", "#")):
        why = "JSON has no comments"
    return f"{error.lineno}:{error.colno}: not JSON: {why}"
