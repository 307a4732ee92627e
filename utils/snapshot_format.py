"""The lines of a snapshot file, and how they are checked and turned back into a state."""

from typing import Any, TypeVar, get_args
from zlib import crc32

import msgspec
from msgspec import Raw, Struct

S = TypeVar("S")
VERSION = 1
SLICE_VALUES = 500


class Header(Struct, frozen=True, kw_only=True):
    version: int = VERSION
    saved_at: str = ""
    position: int
    read_to: int
    unhandled: tuple[str, ...] = ()
    since: int

    @property
    def reach(self) -> int:
        """The last position of the journal that it rests on."""
        return max(self.position, self.read_to, self.since - 1)


class Footer(Struct, frozen=True):
    crc: str
    lines: int


class _Slice(Struct):
    table: str
    items: Raw


class SnapshotDamagedError(Exception):
    """Why a snapshot is not believed."""


def read_header(data: bytes) -> Header:
    """From the first line of a file, whose rest is not looked at."""
    try:
        header = msgspec.json.decode(data.partition(b"\n")[0], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotDamagedError(f"its header cannot be read: {error}") from error
    if header.version != VERSION:
        raise SnapshotDamagedError(f"its version is {header.version}, this daemon reads {VERSION}")
    return header


def parse(data: bytes, state_type: type[S], journal_position: int) -> tuple[Header, S]:
    """Raises SnapshotDamagedError unless every line is as it was written, fits the type and the journal."""
    content = checked(data)
    header = read_header(content)
    if header.reach > journal_position:
        raise SnapshotDamagedError(
            f"it reaches to position {header.reach}, the journal only to {journal_position}"
        )
    tables: dict[str, dict[str, Any]] = {}
    try:
        decoders = _decoders(state_type)
        for line in content.splitlines()[1:]:
            piece = msgspec.json.decode(line, type=_Slice)
            if piece.table in decoders:  # else a table that this version does not have any more
                tables.setdefault(piece.table, {}).update(decoders[piece.table].decode(piece.items))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotDamagedError(f"a table cannot be read: {error}") from error
    return header, state_type(**tables)


def checked(data: bytes) -> bytes:
    """Everything before the footer, when the footer is there and agrees."""
    if not data.endswith(b"\n"):
        raise SnapshotDamagedError("it ends in the middle")
    end = data.rfind(b"\n", 0, -1) + 1
    try:
        footer = msgspec.json.decode(data[end:], type=Footer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotDamagedError(f"its footer cannot be read: {error}") from error
    content = data[:end]
    if footer != Footer(crc=f"{crc32(content):08x}", lines=content.count(b"\n")):
        raise SnapshotDamagedError("its checksum does not agree")
    return content


def _decoders(state_type: type[Any]) -> dict[str, msgspec.json.Decoder[Any]]:
    """One for each table, a field of type dict[str, Value]."""
    values = {field.name: get_args(field.type)[1] for field in msgspec.structs.fields(state_type)}
    return {name: msgspec.json.Decoder(list[tuple[str, value]]) for name, value in values.items()}  # type: ignore[valid-type]
