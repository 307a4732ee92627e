"""A table in memory: frozen columns of numbers or categories."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from msgspec import Struct

from config.problems import nearest
from mlops.errors import BadInputError
from mlops.tables.cells import text_of

Kind: TypeAlias = Literal["number", "category"]
Column: TypeAlias = np.ndarray[Any, Any]
UNNAMED = "Unnamed: "  # a column without a name, by its place: row numbers that a tool wrote


class Table(Struct, frozen=True, kw_only=True):
    """Columns by name: float64 with NaN for missing, or objects that are text, None for missing. Not writeable."""

    columns: dict[str, Column]
    kinds: dict[str, Kind]
    path: Path = Path()
    encoding: str = "utf-8"
    delimiter: str = ","
    notes: tuple[str, ...] = ()  # what a person should know of the reading

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """The values, or BadInputError that says which columns there are."""
        if name not in self.columns:
            raise missing_column(name, self.names, self.path)
        return self.columns[name]

    def missing(self, name: str) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Where a column has no value."""
        values = self.column(name)
        if self.kinds[name] == "number":
            return np.isnan(values)
        return np.equal(values, None).astype(bool)  # type: ignore[call-overload, no-any-return] # compares objects

    def texts(self, name: str) -> Column:
        """The values as people write them (1, not 1.0), None for missing: the classes of a target."""
        return np.array([text_of(value) for value in self.column(name).tolist()], dtype=object)

    def take(self, rows: "np.ndarray[Any, Any]") -> "Table":
        """The rows at these places, or those where a mask is true, in that order."""
        return self._with({name: values[rows] for name, values in self.columns.items()})

    def select(self, names: tuple[str, ...]) -> "Table":
        """These columns, in that order."""
        return self._with({name: self.column(name) for name in names})

    def row(self, place: int) -> dict[str, float | str | None]:
        """One row as plain values; None for missing."""
        values = {name: column[place] for name, column in self.columns.items()}
        return {name: _plain(value) for name, value in values.items()}

    def _with(self, columns: dict[str, Column]) -> "Table":
        return make_table(
            columns,
            {name: self.kinds[name] for name in columns},
            path=self.path,
            encoding=self.encoding,
            delimiter=self.delimiter,
            notes=self.notes,
        )


def make_table(columns: Mapping[str, Column], kinds: Mapping[str, Kind] | None = None, **about: Any) -> Table:
    """A table of arrays that nobody writes to any more; kinds are told by the arrays' types unless given."""
    frozen = {}
    for name, values in columns.items():
        frozen[name] = values if values.dtype == object else values.astype(np.float64, copy=False)
        frozen[name] = frozen[name].view()
        frozen[name].flags.writeable = False
    told: dict[str, Kind] = {
        name: "category" if values.dtype == object else "number" for name, values in frozen.items()
    }
    return Table(columns=frozen, kinds={**told, **(kinds or {})}, **about)


class Wanted(Protocol):
    """What of a model's specification decides on its features (config.monitoring.ModelSpec)."""

    @property
    def target(self) -> str: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def ignored(self) -> tuple[str, ...]: ...
    @property
    def time_column(self) -> str | None: ...


def features(spec: Wanted, table: Table) -> tuple[str, ...]:
    """The columns that a model learns from: those it names, or all but target, time, ignored and unnamed ones."""
    table.column(spec.target)
    for name in (*spec.features, *((spec.time_column,) if spec.time_column else ())):
        table.column(name)
    left_out = {spec.target, spec.time_column, *spec.ignored}
    found = spec.features or tuple(
        name for name in table.names if name not in left_out and not name.startswith(UNNAMED)
    )
    if not found:
        raise BadInputError(
            f"no column is left to learn from beside the target {spec.target!r}",
            where=table.path,
            do="name fewer columns as ignored",
        )
    return found


def missing_column(name: str, names: tuple[str, ...], path: Path) -> BadInputError:
    """The error for a column that is not there."""
    if len(names) == 1:
        hint = f"its only column is {names[0][:60]!r}: is the delimiter one of , ; tab | ?"
    else:
        hint = nearest(name, names[:50]).removeprefix("; ")
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        hint = hint or f"its columns are {shown}"
    return BadInputError(f"there is no column {name!r}", where=path, do=hint)


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)
