"""Writes a reference: sorted numbers side by side in an uncompressed npz, the rest in a document beside it."""

import io
import os
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from mlops.drift.arrays import Column, checksum, finite, numbers, texts
from mlops.drift.reference import Card, Described, fingerprint
from mlops.errors import BadInputError
from utils.disk import OsDisk, replace_file

FEWEST = 50  # rows without which nothing can be compared
_ALIGNED, _PADDING = 64, 0xFACE  # the second: the id of an extra field that nobody else uses


def freeze(
    path: Path,
    features: Mapping[str, Column],
    outputs: Mapping[str, Column],
    *,
    model: str,
    source: str,
    created_at: str,
    kinds: Mapping[str, str] | None = None,
    not_before: str = "",
) -> Card:
    """Write the npz and its document; BadInputError for too few rows, OSError leaves what was there."""
    rows = max((len(column) for column in features.values()), default=0)
    if rows < FEWEST:
        raise BadInputError(
            f"{rows} rows are too few for a reference", where=source, do=f"give at least {FEWEST}"
        )
    disk = OsDisk()
    disk.mkdir(path.parent)
    temporary = path.with_name(path.name + ".tmp")
    described = []
    try:
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for number, (name, cells) in enumerate([*features.items(), *outputs.items()]):
                    kind = (kinds or {}).get(name) or ("category" if cells.dtype == object else "number")
                    output = number >= len(features)
                    if kind == "category":
                        described.append(_counted(name, cells, output=output))
                    else:
                        described.append(_sorted(archive, file, f"c{number}.npy", name, cells, output=output))
            file.flush()
            os.fsync(file.fileno())
        card = Card(
            model=model, created_at=created_at, source=source, rows=rows, columns=tuple(described), not_before=not_before
        )  # fmt: skip
        card = msgspec.structs.replace(card, fingerprint=fingerprint(card))
        disk.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    replace_file(disk, path.with_suffix(".json"), msgspec.json.format(msgspec.json.encode(card), indent=2))
    return card


def _counted(name: str, column: Column, *, output: bool) -> Described:
    cells = texts(column)
    counts = dict(sorted(Counter(cells).items()))
    missing = len(column) - len(cells)
    return Described(
        name=name, kind="category", rows=len(cells), missing=missing, counts=counts, output=output
    )


def _sorted(
    archive: zipfile.ZipFile, file: BinaryIO, member: str, name: str, column: Column, *, output: bool
) -> Described:
    values = np.sort(finite(numbers(column)))
    content = io.BytesIO()
    np.lib.format.write_array(content, values, allow_pickle=False)
    info = zipfile.ZipInfo(member)
    padding = -(file.tell() + 30 + len(member) + 4) % _ALIGNED  # numpy copies arrays that lie askew
    info.extra = struct.pack("<HH", _PADDING, padding) + b"\0" * padding
    archive.writestr(info, content.getbuffer())
    return Described(
        name=name,
        kind="number",
        rows=len(values),
        missing=len(column) - len(values),
        std=float(np.std(values)) if len(values) else 0.0,
        output=output,
        member=member,
        crc=checksum(values),
    )
