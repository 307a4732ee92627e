"""Reads the lines of a log file; one that was cut or is foreign is skipped and counted, never guessed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from mlops.predictions.daily import blocks

T = TypeVar("T")


class Decoder(Protocol[T]):
    def decode(self, data: bytes, /) -> T: ...
    def decode_lines(self, data: bytes, /) -> list[T]: ...


class Tally(Struct):
    """What was odd in the files that were read; told beside every figure made from them."""

    torn: int = 0  # lines that are no record: cut by a crash or a full disk
    doubled: int = 0  # predictions that stand there twice: the first counts


def parsed(path: Path, decoder: Decoder[T], tally: Tally) -> Iterator[T]:
    """The records of a file, oldest line first."""
    for block in blocks(path):
        try:
            yield from decoder.decode_lines(block)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield from _one_by_one(block, decoder, tally)


def _one_by_one(block: bytes, decoder: Decoder[T], tally: Tally) -> Iterator[T]:
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        try:
            record = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            tally.torn += 1
        else:
            yield record
