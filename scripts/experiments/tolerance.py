"""What a probe may answer: Chaos Toolkit's tolerances, all but JSON paths and probes."""

import re
from typing import Any

_TYPES = ("regex", "range")


def tolerance_problem(tolerance: Any) -> str:
    """What is wrong with it, in one line; empty: nothing."""
    if isinstance(tolerance, bool | int | float | str | list):
        return ""
    if not isinstance(tolerance, dict) or tolerance.get("type") not in _TYPES:
        return f"must be a value, a list, or an object whose type is one of {', '.join(_TYPES)}"
    if tolerance["type"] == "regex":
        try:
            re.compile(str(tolerance["pattern"]))
        except (KeyError, re.error) as error:
            return f"pattern: {error}"
        return ""
    between = tolerance.get("range")
    is_pair = isinstance(between, list) and len(between) == 2
    if not is_pair or not all(isinstance(each, int | float) for each in between or ()):
        return "range: must be two numbers"
    return ""


def within(tolerance: Any, value: Any) -> bool:
    """Whether the probe's answer is what it should be.

    >>> within(200, {"status": 200}), within([200, 204], {"status": 201}), within([1, 3], 2)
    (True, False, True)
    >>> within({"type": "regex", "pattern": "^v[0-9]+$", "target": "body"}, {"body": "v12"})
    True
    >>> within({"type": "range", "range": [0, 5]}, 7.5), within(True, False)
    (False, False)
    """
    if isinstance(tolerance, dict):
        return _by_type(tolerance, value)
    if isinstance(value, dict) and "status" in value:
        return bool(
            value["status"] in tolerance if isinstance(tolerance, list) else value["status"] == tolerance
        )
    if isinstance(tolerance, list):
        if len(tolerance) == 2 and isinstance(value, int | float):
            return bool(tolerance[0] <= value <= tolerance[1])
        return value in tolerance
    return bool(value == tolerance)


def _by_type(tolerance: dict[str, Any], value: Any) -> bool:
    if (target := tolerance.get("target")) and isinstance(value, dict):
        value = value.get(target, value)
    if tolerance["type"] == "regex":
        return re.search(tolerance["pattern"], str(value)) is not None
    try:
        return bool(tolerance["range"][0] <= float(value) <= tolerance["range"][1])
    except (TypeError, ValueError):
        return False
