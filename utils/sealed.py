"""Small JSON files in which a flipped bit must not change what is believed: {"crc": ..., "data": ...}."""

from typing import TypeVar
from zlib import crc32

import msgspec
from msgspec import Raw, Struct

T = TypeVar("T")


class _Sealed(Struct, frozen=True):
    crc: str  # CRC-32 of the data as it stands in the file, 8 hexadecimal digits
    data: Raw


class SealBrokenError(Exception):
    """Why the content is not believed."""


def sealed(value: object) -> bytes:
    data = msgspec.json.encode(value)
    return msgspec.json.encode(_Sealed(f"{crc32(data):08x}", Raw(data))) + b"\n"


def unsealed(text: bytes, data_type: type[T]) -> T:
    """Raises SealBrokenError."""
    try:
        found = msgspec.json.decode(text, type=_Sealed)
        if found.crc != f"{crc32(found.data):08x}":
            raise SealBrokenError("its checksum is wrong")
        return msgspec.json.decode(found.data, type=data_type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SealBrokenError(f"it cannot be read: {error}") from error
