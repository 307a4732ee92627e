"""What must be known of a file before its bytes can be cut into rows and cells."""

import csv
from pathlib import Path

from msgspec import Struct

from mlops.errors import BadInputError
from mlops.tables import cells, dialect

_MARK = b"\xef\xbb\xbf"
_OTHER = (":", " ", "^", "~", "\x1f")
_LONGEST_HEADER = 1 << 22


class Shape(Struct, frozen=True):
    """`body` is the offset of the first row after the header; `comma` is the delimiter as a byte."""

    delimiter: str
    encoding: str
    names: tuple[str, ...]
    body: int

    @property
    def comma(self) -> int:
        return ord(self.delimiter)

    @property
    def width(self) -> int:
        return len(self.names)


def shape_of(path: Path) -> Shape:
    """Raises BadInputError for what is no table whose cells can be changed one by one."""
    found = dialect.sniff(path)
    if found.encoding.startswith("utf-16"):
        raise BadInputError(
            "is UTF-16, which cannot be repaired byte by byte", where=path, do="save it as UTF-8"
        )
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    mark = len(_MARK) if head.startswith(_MARK) else 0
    end = _end_of_line(head, mark)
    if end == 0:
        raise BadInputError("no line ends within the first 4 MiB", where=path, do="lines end in LF or CRLF")
    names = _names(head[mark:end], found, path)
    _doubt_delimiter(names, head[end : end + 4096], path)
    return Shape(found.delimiter, found.encoding, names, end)


def _end_of_line(head: bytes, at: int) -> int:
    """The offset behind the header; 0 where it does not end. Line breaks inside quotes belong to a name."""
    quoted = False
    while (line := head.find(b"\n", at)) >= 0:
        quoted ^= head.count(b'"', at, line) % 2 == 1
        at = line + 1
        if not quoted:
            return at
    return 0 if len(head) == _LONGEST_HEADER or b"\r" in head.rstrip(b"\r") else len(head)


def _names(header: bytes, found: dialect.Dialect, path: Path) -> tuple[str, ...]:
    text = header.decode("latin-1" if found.encoding == "latin-1" else "utf-8")
    rows = list(csv.reader([text], delimiter=found.delimiter)) if "\n" not in text.rstrip("\r\n") else []
    names = rows[0] if rows else next(csv.reader(text.splitlines(keepends=True), delimiter=found.delimiter))
    names = [name.strip() or f"column {n}" for n, name in enumerate(names, 1)]
    for name in names:
        if names.count(name) > 1 if len(names) < 100 else False:
            raise BadInputError(f"two columns are named {name!r}", where=path, do="give each its own name")
    if len(set(names)) < len(names):
        raise BadInputError("two columns have the same name", where=path, do="give each its own name")
    if all(cells.number(name) is not None for name in names):
        raise BadInputError("the first line holds numbers, not names", where=path, do="add a header line")
    return tuple(names)


def _doubt_delimiter(names: tuple[str, ...], sample: bytes, path: Path) -> None:
    """One column whose name and every row hold the same other separator is most likely several."""
    rows = sample.decode("latin-1").splitlines()[:20]
    if len(names) > 1 or not rows:
        return
    for mark in _OTHER:
        count = names[0].count(mark)
        if count and all(row.count(mark) == count for row in rows[:-1] or rows):
            raise BadInputError(
                f"seems to be delimited by {mark!r}, which is not read",
                where=f"{path}: column {names[0]!r}",
                do="save it with commas, semicolons, tabs or bars between the cells",
            )
