"""Answers to what cannot be served, in the shape that users of FastAPI know: {"detail": [{loc, msg, type}]}."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from mlops.models.encoder import Encoder
from mlops.models.rows import BadRowError, RowReader

TOLD = 20  # fields of one row; who sends more that are wrong sends something else
_decode = msgspec.json.Decoder().decode


class Detail(Struct, frozen=True):
    loc: list[str | int]
    msg: str
    type: str


class Refusal(Struct, frozen=True):
    """The body of a 422."""

    detail: list[Detail]


class Trouble(Struct, frozen=True):
    """The body of a 404, 405, 413, 500 or 503: what is wrong and what to do."""

    detail: str


class RefusedError(Exception):
    """Bad input, with what is told about it."""

    def __init__(self, *details: Detail) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, each.loc))}: {each.msg}" for each in details))
        self.refusal = Refusal(list(details))


def refused(loc: list[str | int], msg: str, kind: str) -> RefusedError:
    return RefusedError(Detail(["body", *loc], msg, kind))


def decoded(body: bytes) -> Any:
    """The JSON of a body. NaN and infinite numbers pass here, so that whoever checks the row can name the field."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise refused([error.pos], f"is no JSON: {error.msg}", "json_invalid") from None
    except (
        UnicodeDecodeError,
        UnicodeEncodeError,
    ) as error:  # also half of a character, written as an escape
        raise refused([], f"is no JSON: {error.reason}", "json_invalid") from None
    except (RecursionError, ValueError) as error:  # too deep; a number of too many digits
        raise refused([], f"is no JSON: {error}", "json_invalid") from None
    return found


def features_in(body: Any, declared: tuple[str, ...]) -> tuple[dict[str, Any], list[str | int]]:
    """The row of a request and where it stands: the body itself, or below "features"."""
    if isinstance(body, dict):
        if "features" not in body or "features" in declared:
            return body, []
        inner = body["features"]
        if isinstance(inner, dict):
            return inner, ["features"]
        raise refused(["features"], "should be an object with a value for each feature", "dict_type")
    raise refused([], "should be an object with a value for each feature", "dict_type")


def row_refused(
    error: BadRowError, encoder: Encoder, row: dict[str, Any], at: list[str | int]
) -> RefusedError:
    """Every field of the row that is wrong, not the first one alone."""
    found = list(islice(_wrong(encoder, row), TOLD)) or [(error.field, error.problem)]
    return RefusedError(
        *(Detail(["body", *at, name], problem, _kind(encoder, row, name)) for name, problem in found)
    )


def _wrong(encoder: Encoder, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    numbers = (Encoder((field,), ()) for field in encoder.numbers)
    categories = (Encoder((), (field,)) for field in encoder.categories)
    for each in chain(numbers, categories):
        try:
            RowReader(each)(row)
        except BadRowError as error:
            yield error.field, error.problem


def _kind(encoder: Encoder, row: dict[str, Any], name: str) -> str:
    if name not in row:
        return "missing"
    if any(field.name == name for field in encoder.categories):
        return "string_type"
    value = row[name]
    if isinstance(value, float) and not isfinite(value):
        return "finite_number"
    return "float_type" if isinstance(value, int) is isinstance(value, bool) else "finite_number"
