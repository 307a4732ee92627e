"""A numeric array in one file with a checksum: a cache that is either right or rebuilt.

One line of JSON {"crc", "names", "shape"}, then the numbers as little-endian float32.
"""

from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Singles = NDArray[np.float32]


class _Head(Struct, frozen=True):
    crc: str
    names: tuple[str, ...]
    shape: tuple[int, int]


def write_array(path: Path, names: tuple[str, ...], rows: Singles) -> None:
    data = np.ascontiguousarray(rows, dtype="<f4").tobytes()
    head = _Head(f"{_crc(names, data):08x}", names, (rows.shape[0], rows.shape[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(msgspec.json.encode(head) + b"\n" + data)
    beside.replace(path)


def read_array(path: Path) -> tuple[tuple[str, ...], Singles] | None:
    """None where there is none that can be believed."""
    try:
        line, _, data = path.read_bytes().partition(b"\n")
        head = msgspec.json.decode(line, type=_Head)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    rows, columns = head.shape
    whole = len(data) == 4 * rows * columns and columns == len(head.names)
    if not whole or head.crc != f"{_crc(head.names, data):08x}":
        return None
    return head.names, np.frombuffer(data, dtype="<f4").reshape(rows, columns).astype(np.float32)


def _crc(names: tuple[str, ...], data: bytes) -> int:
    return crc32(data, crc32("\n".join(names).encode()))
