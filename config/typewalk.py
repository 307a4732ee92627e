"""Compares raw JSON with the configuration's types and finds every difference, where a decoder stops at the first."""

import math
import re
from collections.abc import Iterator
from typing import Any

from msgspec import NODEFAULT, inspect

from config.problems import Problem, member, nearest, shown

_NAMES: dict[type[Any], str] = {
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.StrType: "text",
    inspect.NoneType: "null",
    inspect.VarTupleType: "a list",
    inspect.DictType: "an object",
    inspect.StructType: "an object",
}


def differences(value: Any, wanted: type[Any], path: str = "$") -> list[Problem]:
    """Every place where `value` is not what the type asks for."""
    return list(_walk(value, inspect.type_info(wanted), path, ""))


def _walk(value: Any, wanted: inspect.Type, path: str, about: str) -> Iterator[Problem]:
    match wanted:
        case inspect.Metadata():
            described = (wanted.extra_json_schema or {}).get("description", "")
            yield from _walk(value, wanted.type, path, described)
        case inspect.UnionType():
            yield from _union(value, wanted, path, about)
        case inspect.StructType():
            yield from _struct(value, wanted, path)
        case inspect.LiteralType():
            if value not in wanted.values:
                choices = ", ".join(shown(choice) for choice in wanted.values)
                yield Problem(path, f"must be one of {choices}, not {shown(value)}")
        case inspect.VarTupleType():
            yield from _list(value, wanted, path)
        case inspect.DictType():
            yield from _dict(value, wanted, path)
        case _:
            yield from _scalar(value, wanted, path, about)


def _wrong_type(value: Any, wanted: inspect.Type, path: str) -> Problem:
    return Problem(path, f"must be {_NAMES.get(type(wanted), 'something else')}, not {shown(value)}")


def _struct(value: Any, wanted: inspect.StructType, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(value, wanted, path)
        return
    fields = {field.encode_name: field for field in wanted.fields}
    known = {*fields, wanted.tag_field} if wanted.tag_field else {*fields}
    for key, item in value.items():
        if key in fields:
            yield from _walk(item, fields[key].type, member(path, key), "")
        elif key not in known:
            yield Problem(member(path, key), f"unknown key{nearest(key, known, otherwise='known here: ')}")
    if wanted.tag_field and value.get(wanted.tag_field) != wanted.tag:
        yield from _tag(value, [wanted], path)
    for name, field in fields.items():
        if name not in value and field.default is NODEFAULT and field.default_factory is NODEFAULT:
            yield Problem(member(path, name), "missing")


def _tag(value: dict[str, Any], choices: list[inspect.StructType], path: str) -> Iterator[Problem]:
    tag_field = choices[0].tag_field or "type"
    tags = [str(choice.tag) for choice in choices]
    known = ", ".join(shown(tag) for tag in tags)
    where = member(path, tag_field)
    if tag_field not in value:
        yield Problem(where, f"missing; one of {known}")
    elif (tag := value[tag_field]) not in tags:
        hint = nearest(tag, tags) if isinstance(tag, str) and len(tags) > 1 else ""
        yield Problem(where, f"must be {'one of ' if len(tags) > 1 else ''}{known}, not {shown(tag)}{hint}")


def _union(value: Any, wanted: inspect.UnionType, path: str, about: str) -> Iterator[Problem]:
    if value is None and wanted.includes_none:
        return
    structs = [choice for choice in wanted.types if isinstance(choice, inspect.StructType)]
    if len(structs) > 1 and isinstance(value, dict):
        chosen = next((s for s in structs if s.tag == value.get(s.tag_field or "type")), None)
        yield from _struct(value, chosen, path) if chosen else _tag(value, structs, path)
        return
    choice = next(choice for choice in wanted.types if not isinstance(choice, inspect.NoneType))
    yield from _walk(value, choice, path, about)


def _list(value: Any, wanted: inspect.VarTupleType, path: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong_type(value, wanted, path)
        return
    if len(value) < (wanted.min_length or 0):
        yield Problem(path, "must not be empty")
    for position, item in enumerate(value):
        yield from _walk(item, wanted.item_type, f"{path}[{position}]", "")


def _dict(value: Any, wanted: inspect.DictType, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(value, wanted, path)
        return
    for key, item in value.items():
        yield from _walk(item, wanted.value_type, member(path, key), "")


def _scalar(value: Any, wanted: inspect.Type, path: str, about: str) -> Iterator[Problem]:
    if not _is(value, wanted):
        yield _wrong_type(value, wanted, path)
    elif isinstance(wanted, inspect.StrType):
        if len(value) < (wanted.min_length or 0):
            yield Problem(path, "must not be empty")
        elif wanted.pattern and not re.search(wanted.pattern, value):
            yield Problem(path, f"must be {about or 'text like ' + wanted.pattern}, not {shown(value)}")
    elif isinstance(wanted, inspect.IntType | inspect.FloatType) and (bound := _bound(value, wanted)):
        yield Problem(path, f"must be {bound}, not {shown(value)}")


def _is(value: Any, wanted: inspect.Type) -> bool:
    match wanted:
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.NoneType():
            return value is None
    return True


def _bound(value: float, wanted: inspect.IntType | inspect.FloatType) -> str:
    """The bound that a number breaks, in words; empty if none."""
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number beyond all of the other kind
        finite = False
    if not finite:
        return "finite"
    if wanted.gt is not None and not value > wanted.gt:
        return "positive" if wanted.gt == 0 else f"more than {wanted.gt:g}"
    if wanted.ge is not None and not value >= wanted.ge:
        return f"at least {wanted.ge:g}"
    if wanted.lt is not None and not value < wanted.lt:
        return f"less than {wanted.lt:g}"
    if wanted.le is not None and not value <= wanted.le:
        return f"at most {wanted.le:g}"
    return ""
