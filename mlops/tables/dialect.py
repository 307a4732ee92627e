"""How a CSV file is written: its encoding and its delimiter, found in the bytes alone."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from mlops.errors import BadInputError

DELIMITERS = (",", ";", "\t", "|")
_LINES, _CHUNK = 200, 1 << 20
_SAMPLE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
csv.field_size_limit(1 << 24)


class Dialect(Struct, frozen=True):
    """`encoding` is utf-8, utf-8-sig, latin-1, utf-16 (with a mark), utf-16-le or utf-16-be."""

    encoding: str
    delimiter: str


def sniff(path: Path, delimiter: str | None = None) -> Dialect:
    """Look through the whole file once, in bounded memory. Raises BadInputError for what is no table of text."""
    encoding = _encoding(path)
    head = _head(path, encoding)
    if not head.strip():
        raise BadInputError("the file is empty", where=path, do="a table needs a header and at least one row")
    return Dialect(encoding, delimiter or _delimiter(head))


def chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes, piece by piece; BadInputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError:
        raise BadInputError("no such file", where=path) from None
    except IsADirectoryError:
        raise BadInputError("this is a folder", where=path, do="name the CSV file in it") from None
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=path) from error


def _encoding(path: Path) -> str:
    head = next(chunks(path), b"")
    guess = next((name for mark, name in _MARKS if head.startswith(mark)), _without_mark(head))
    line = 1
    decoder = codecs.getincrementaldecoder("utf-8" if guess == "utf-8-sig" else guess)()
    try:
        for chunk in chunks(path):
            text = decoder.decode(chunk)
            if "\0" in text:
                line += text.count("\n", 0, text.index("\0"))
                raise BadInputError(
                    f"line {line} holds a null byte", where=path, do="this is no text, or damaged text"
                )
            line += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if guess != "utf-8":
            raise BadInputError(
                f"line {line} or one after it is not {guess}", where=path, do="save it as UTF-8"
            ) from error
        return _latin(path)
    return guess


def _latin(path: Path) -> str:
    """Any bytes are latin-1; a null byte still says that they are no text."""
    line = 1
    for chunk in chunks(path):
        if (at := chunk.find(b"\0")) >= 0:
            line += chunk.count(b"\n", 0, at)
            raise BadInputError(
                f"line {line} holds a null byte", where=path, do="this is no text, or damaged text"
            )
        line += chunk.count(b"\n")
    return "latin-1"


def _without_mark(head: bytes) -> str:
    """UTF-16 without a mark has a null byte in every other place, as tables are mostly ASCII."""
    half = len(head) // 2
    if half and head[1::2].count(0) > 0.4 * half and head[::2].count(0) == 0:
        return "utf-16-le"
    if half and head[::2].count(0) > 0.4 * half and head[1::2].count(0) == 0:
        return "utf-16-be"
    return "utf-8"


def _head(path: Path, encoding: str) -> str:
    """The first lines, whole."""
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(_SAMPLE)
        return text + file.readline() if len(text) == _SAMPLE else text


def _delimiter(head: str) -> str:
    """The one that cuts the most of the first rows into as many cells as the header has; more cells win a tie."""

    def merit(delimiter: str) -> tuple[float, int]:
        cells = [len(row) for row in _rows(head, delimiter) if row]
        if not cells or cells[0] == 1 or (len(cells) > 1 and max(cells[1:]) == 1):  # it only stands in a name
            return 0.0, 1
        return round(cells.count(cells[0]) / len(cells), 2), cells[0]

    return max(DELIMITERS, key=merit)


def _rows(head: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(head.splitlines(keepends=True), delimiter=delimiter)
    for _ in range(_LINES):
        try:
            yield next(reader)
        except (StopIteration, csv.Error):
            return
