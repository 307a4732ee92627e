"""The frozen reference of a model: sorted numbers in an npz that is mapped column by column, categories as counts."""

import hashlib
import mmap
import struct
import zipfile
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from mlops.drift.arrays import Floats, checksum
from mlops.errors import BadInputError

_AGAIN = "freeze it again: python scripts/bootstrap_reference.py --force"


class Described(Struct, frozen=True, kw_only=True):
    """One column beside its array."""

    name: str
    kind: Literal["number", "category"]
    rows: int  # with a value
    missing: int
    std: float = 0.0
    output: bool = False  # what the model answered; no feature
    member: str = ""  # its array in the npz
    crc: int = 0  # of its numbers
    counts: dict[str, int] = {}


class Card(Struct, frozen=True, kw_only=True):
    """The document beside the npz."""

    model: str
    created_at: str
    source: str
    rows: int
    columns: tuple[Described, ...]
    fingerprint: str = ""
    not_before: str = ""  # what was asked earlier belongs to the world before a promotion, and to no window


class Reference(Struct, frozen=True):
    """Columns that are read when they are asked for."""

    card: Card
    path: Path
    starts: dict[str, int]  # where each array's header lies in the npz

    @property
    def features(self) -> tuple[Described, ...]:
        return tuple(column for column in self.card.columns if not column.output)

    @property
    def outputs(self) -> tuple[Described, ...]:
        return tuple(column for column in self.card.columns if column.output)

    def ordered(self, column: Described) -> Floats:
        """The sorted values of a number column, mapped from the file; BadInputError where they are damaged."""
        values = _mapped(self.path, self.starts[column.member])
        if checksum(values) != column.crc:
            raise BadInputError(
                f"column {column.name!r} of the reference is damaged", where=self.path, do=_AGAIN
            )
        return values


def fingerprint(card: Card) -> str:
    """Of everything that decides a verdict; not of when it was made and whence it came."""
    plain = msgspec.structs.replace(card, fingerprint="", created_at="", source="")
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def load_reference(path: Path) -> Reference:
    """The reference, or BadInputError: absent, damaged, or npz and document of two different ones."""
    beside = path.with_suffix(".json")
    try:
        card = msgspec.json.decode(beside.read_bytes(), type=Card)
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info.compress_type for info in archive.infolist()}
            starts = {info.filename: info.header_offset for info in archive.infolist()}
    except FileNotFoundError as error:
        do = "freeze one: python scripts/bootstrap_reference.py"
        raise BadInputError("there is no reference", where=str(error.filename), do=do) from None
    except (OSError, msgspec.DecodeError, zipfile.BadZipFile) as error:
        raise BadInputError(f"the reference cannot be read: {error}", where=path, do=_AGAIN) from error
    if card.fingerprint != fingerprint(card):
        raise BadInputError("the fingerprint does not fit the reference", where=beside, do=_AGAIN)
    wanted = {column.member: zipfile.ZIP_STORED for column in card.columns if column.member}
    if wanted != members:
        raise BadInputError("the arrays are not those of the document beside it", where=path, do=_AGAIN)
    return Reference(card, path, starts)


def _mapped(path: Path, start: int) -> Floats:
    """A member of an uncompressed npz without a copy; the mapping goes when the array does."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            name_length, extra_length = struct.unpack_from("<HH", file.read(30), 26)
            file.seek(start + 30 + name_length + extra_length)
            np.lib.format.read_magic(file)
            dimensions, _, _ = np.lib.format.read_array_header_1_0(file)
            offset = file.tell()
            if not dimensions[0]:
                return np.empty(0)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=np.float64, count=dimensions[0], offset=offset)
    except (OSError, ValueError, struct.error) as error:
        raise BadInputError(f"the reference cannot be read: {error}", where=path, do=_AGAIN) from error
