"""Checks a table against a pandera schema before and after; where there is none yet, ours is written from what was seen.

At most `schema_rows` rows, in whole blocks spread evenly over the table, pass through pandera: it holds what it checks as
objects. Everything else that a repair does looks at every row.
"""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from mlops.errors import BadInputError, need
from mlops.repair.dialect import Shape
from mlops.repair.files import make_folder
from mlops.repair.report import RepairReport, SchemaReport
from mlops.repair.task import Looked, Task
from mlops.tables import cells
from utils.disk import OsDisk, replace_file

_MOST_CATEGORIES = 50
_TOLD = 20
_WIDEST = 500  # columns; pandera takes milliseconds for each
_ABSENT = "the schema was not checked: it needs pandera, of the extra mlops (make setup-mlops)"
Span = tuple[int, int]  # offset and size of a block of whole rows


class Prepared(Struct):
    path: Path
    schema: Any = None  # a pandera DataFrameSchema
    fresh: bool = False
    before: tuple[str, ...] = ()
    rows: int = 0
    note: str = ""


def prepare(task: Task, looked: Looked) -> Prepared:
    """Read or infer the schema, and check the table as it is."""
    path = task.schema or task.places.schemas / f"{task.source.stem}.json"
    if task.settings.schema_rows == 0:
        return Prepared(path, note="the schema was not checked: repair.schema_rows is 0")
    if task.schema is None and looked.scan.shape.width > _WIDEST:
        return Prepared(path, note=f"the schema was not checked: more than {_WIDEST} columns")
    if find_spec("pandera") is None:
        if task.schema is not None:
            need("pandera", f"{path}: checking a schema")
        return Prepared(path, note=_ABSENT)
    prepared = Prepared(path)
    if path.exists() or task.schema is not None:
        prepared.schema = _load(path)
    else:
        prepared.schema, prepared.fresh = _infer(looked), True
    shape = looked.scan.shape
    spans = [(batch.offset, batch.size) for batch in looked.scan.spill.batches]
    chosen = _spread(spans, looked.scan.spill.rows, task.settings.schema_rows)
    prepared.before, prepared.rows = violations(prepared.schema, task.source, shape, chosen)
    return prepared


def check(
    task: Task, looked: Looked, prepared: Prepared, report: RepairReport, spans: Sequence[Span]
) -> SchemaReport:
    """Check the table as it is now, and keep a fresh schema."""
    if prepared.schema is None:
        return SchemaReport(path=str(prepared.path), note=prepared.note)
    after, note = prepared.before, ""
    if task.dry_run:
        after, note = (), "a dry run: only the table as it is was checked"
    elif report.changed or not task.in_place:
        chosen = _spread(spans, report.rows_after, task.settings.schema_rows)
        after, _ = violations(prepared.schema, task.target, looked.scan.shape, chosen)
    if prepared.fresh and not task.dry_run:
        make_folder(prepared.path.parent)
        replace_file(OsDisk(), prepared.path, prepared.schema.to_json(indent=2).encode() + b"\n")
    return SchemaReport(
        path=str(prepared.path),
        checked=True,
        rows=prepared.rows,
        before=prepared.before,
        after=after,
        note=note,
    )


def _spread(spans: Sequence[Span], rows: int, most: int) -> list[Span]:
    return list(spans[:: max(1, -(-rows // most))])


def _load(path: Path) -> Any:
    import pandera.pandas as pa

    try:
        text = path.read_text()
        read = (
            pa.DataFrameSchema.from_yaml if path.suffix in {".yaml", ".yml"} else pa.DataFrameSchema.from_json
        )
        schema = read(text)
    except OSError as error:
        raise BadInputError(
            f"cannot be read: {error.strerror}", where=path, do="name a pandera schema"
        ) from error
    except Exception as error:
        first = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise BadInputError(
            f"is no pandera schema: {first[0]}",
            where=path,
            do="it is what to_json() or to_yaml() of one writes",
        ) from error
    schema.coerce = True  # a CSV says no types
    return schema


def _infer(looked: Looked) -> Any:
    """What must hold from now on: the columns, which of them are numbers, which categories there are, where none is missing."""
    import pandera.pandas as pa

    columns = {}
    for index, report in enumerate(looked.plan.reports):
        nullable = bool(report.quarantined or report.left or report.read_as == "text")
        checks = []
        if looked.scan.spill.numeric[index]:
            kind: Any = "float64" if not (report.quarantined and report.mismatched) else object
        else:
            kind, texts = object, looked.scan.terms[index].texts
            if report.read_as == "category" and len(texts) <= _MOST_CATEGORIES:
                checks.append(pa.Check.isin(sorted(_decoded(text) for text in texts)))
        columns[report.name] = pa.Column(kind, checks, nullable=nullable)
    return pa.DataFrameSchema(columns, coerce=True)


def _decoded(text: bytes) -> str:
    try:
        return text.decode().replace('""', '"')
    except UnicodeDecodeError:
        return text.decode("latin-1").replace('""', '"')


def violations(schema: Any, path: Path, shape: Shape, spans: Sequence[Span]) -> tuple[tuple[str, ...], int]:
    """One line for each column and check that fails, with how many cells and one of them; and how many rows were looked at."""
    import pandera.errors

    with path.open("rb") as file:
        frame = _frame(b"".join(_read(file, span) for span in spans), shape, schema)
    found: dict[tuple[str, str], list[Any]] = {}
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        for case in error.failure_cases.itertuples():
            key = (str(case.column or case.failure_case), str(case.check))
            found.setdefault(key, []).append(case.failure_case)
    except Exception as error:  # noqa: BLE001 - whatever a check of a person's schema raises
        found["", type(error).__name__] = [str(error)[:200]]
    lines = [
        f"column {column!r}: {check}: {len(cases)} cells, such as {cases[0]!r}"
        for (column, check), cases in found.items()
    ]
    return tuple(lines[:_TOLD]), len(frame)


def _read(file: BinaryIO, span: Span) -> bytes:
    file.seek(span[0])
    block = file.read(span[1])
    return block if block.endswith(b"\n") else block + b"\n"


def _frame(block: bytes, shape: Shape, schema: Any) -> Any:
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(block),
        sep=shape.delimiter,
        names=list(shape.names),
        dtype=object,
        keep_default_na=False,
        encoding="latin-1" if shape.encoding == "latin-1" else "utf-8",
        on_bad_lines="skip",
        index_col=False,
    )
    for name in frame.columns:
        wanted = schema.columns.get(name)
        kind = str(wanted.dtype).lower() if wanted is not None and wanted.dtype is not None else ""
        frame[name] = _typed(frame[name].astype(object), kind)
    return frame


def _typed(column: Any, kind: str) -> Any:
    """Missing cells as None; numbers where the schema wants them and all are some."""
    import pandas as pd

    numeric = kind.startswith(("int", "uint", "float"))
    numbers = pd.to_numeric(column, errors="coerce") if numeric else None
    doubtful = column if numbers is None else column[numbers.isna()]
    texts = {text: cells.is_missing(text) if isinstance(text, str) else True for text in doubtful.unique()}
    missing = doubtful.map(texts).astype(bool).reindex(column.index, fill_value=False)
    column = column.where(~missing, None)
    if numbers is None:
        return column
    unread = numbers.isna() & ~missing
    return numbers.astype(object).where(~unread, column) if unread.any() else numbers
