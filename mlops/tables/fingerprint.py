"""What a data set is, in a few lines: two readings give the same fingerprint, a changed cell another one."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct

from mlops.tables.table import Column, Kind, Table

_TOP = 10


class NumberSummary(Struct, frozen=True, tag="number", tag_field="kind"):
    missing: int
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()  # smallest, 25 %, median, 75 %, largest


class CategorySummary(Struct, frozen=True, tag="category", tag_field="kind"):
    missing: int
    distinct: int
    most_common: dict[str, int]


class Fingerprint(Struct, frozen=True):
    """`content` is the SHA-256 of the cells by what they say: delimiter, encoding, quotes and column order are not in it."""

    content: str
    rows: int
    columns: dict[str, NumberSummary | CategorySummary]

    def differences(self, other: "Fingerprint") -> list[str]:
        """What differs in the other one, one line each; none where the content is the same."""
        return [] if self.content == other.content else list(_differences(self, other))


def fingerprint(table: Table) -> Fingerprint:
    """The table's fingerprint; columns in the order of their names."""
    content = hashlib.sha256()
    columns = {}
    for name in sorted(table.names):
        kind, values = table.kinds[name], table.columns[name]
        content.update(f"{len(name.encode())} {name} {kind} {len(values)}\n".encode())
        content.update(_digest(kind, values))
        columns[name] = _numbers(values) if kind == "number" else _categories(values)
    return Fingerprint(content.hexdigest(), table.rows, columns)


def _digest(kind: Kind, values: Column) -> bytes:
    if kind == "number":
        canonical = np.where(np.isnan(values), np.nan, values + 0.0)  # one kind of NaN, no negative zero
        return hashlib.sha256(canonical.astype("<f8").tobytes()).digest()
    texts = [None if value is None else value.encode() for value in values.tolist()]
    lengths = np.array([-1 if text is None else len(text) for text in texts], dtype="<i8")
    digest = hashlib.sha256(lengths.tobytes())
    digest.update(b"".join(text for text in texts if text is not None))
    return digest.digest()


def _numbers(values: Column) -> NumberSummary:
    present = values[~np.isnan(values)]
    missing = len(values) - len(present)
    if not len(present):
        return NumberSummary(missing)
    quantiles: Any = np.quantile(present, (0, 0.25, 0.5, 0.75, 1)).tolist()
    with np.errstate(over="ignore"):
        mean, deviation = float(present.mean()), float(present.std())
    return NumberSummary(missing, _told(mean), _told(deviation), tuple(quantiles))


def _told(value: float) -> float | None:
    return value if np.isfinite(value) else None  # JSON has no word for what overflowed


def _categories(values: Column) -> CategorySummary:
    counts = Counter(value for value in values.tolist() if value is not None)
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    return CategorySummary(len(values) - sum(counts.values()), len(counts), dict(top))


def _differences(old: Fingerprint, new: Fingerprint) -> Iterator[str]:
    if old.rows != new.rows:
        yield f"rows: {old.rows} before, {new.rows} now"
    for name in sorted({*old.columns, *new.columns}):
        before, after = old.columns.get(name), new.columns.get(name)
        if before is None or after is None:
            yield f"column {name!r}: {'new' if before is None else 'gone'}"
        elif type(before) is not type(after):
            yield f"column {name!r}: another kind of values"
        elif before.missing != after.missing:
            yield f"column {name!r}: {before.missing} missing before, {after.missing} now"
        elif before != after:
            yield f"column {name!r}: other values"
