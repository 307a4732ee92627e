"""A page of memory that outlives the process: which event each agent had in hand when the process died.

Each slot of 192 bytes holds a state, deaths, a CRC-32 and "NAME<tab>EVENT_ID". No flipped bit turns one state into
another, and deaths are in the checksum: a damaged page must not condemn an event that did nothing. Nothing is synced:
after a power cut or a reboot the page says nothing about our own deaths and is begun anew.
"""

import mmap
import os
import struct
from pathlib import Path
from zlib import crc32

from utils.clock import boot_id
from utils.damage import set_aside
from utils.disk import OsDisk

SLOTS = 256
SLOT_BYTES = 192
_SIZE = (SLOTS + 1) * SLOT_BYTES
_SLOT = struct.Struct(f"<BBxxI{SLOT_BYTES - 8}s")
_MAGIC = b"nightwarden in hand 1 "
_FREE, _HELD, _REMEMBERED = 0, 0x33, 0xCC
_MOST_REMEMBERED = SLOTS // 4


class InHand:
    """`deaths` says how often the process died with an event in hand; `problem`, why the old page was set aside."""

    def __init__(self, path: Path, boot: str = "") -> None:
        header = _header(boot or boot_id())
        remembered, self.problem = _deaths_in(path, header)
        self._page = _fresh_page(path, header, damaged=bool(self.problem))
        self._free = list(range(SLOTS * SLOT_BYTES, 0, -SLOT_BYTES))
        self._offsets: dict[str, int] = {}
        self._places: dict[bytes, int] = {}
        for key, deaths in list(remembered.items())[-_MOST_REMEMBERED:]:
            self._places[key] = offset = self._free.pop()
            _SLOT.pack_into(self._page, offset, _REMEMBERED, deaths, crc32(key, deaths), key)
        self.deaths: dict[str, int] = {}
        for key, deaths in remembered.items():
            event = key.partition(b"\t")[2].decode()
            self.deaths[event] = max(deaths, self.deaths.get(event, 0))

    def begin(self, name: str, event_id: str) -> None:
        """`name` is an agent or one of its lanes, which has one event in hand at a time."""
        offset = self._offsets.get(name)
        if offset is None:
            if not self._free:
                return  # more lanes than slots: these go uncounted
            offset = self._offsets[name] = self._free.pop()
        key = _key(name, event_id)
        _SLOT.pack_into(self._page, offset, _HELD, 0, crc32(key), key)

    def end(self, name: str, event_id: str) -> None:
        """The handling is over, well or not."""
        offset = self._offsets.get(name)
        if offset is not None:
            self._page[offset] = _FREE
            if "/" in name:  # lanes come and go
                del self._offsets[name]
                self._free.append(offset)
        if self._places and (place := self._places.pop(_key(name, event_id), None)) is not None:
            self._page[place] = _FREE
            self._free.append(place)

    def close(self) -> None:
        self._page.close()


def _header(boot: str) -> bytes:
    words = _MAGIC + boot.encode()
    return (words + f" {crc32(words):08x}".encode()).ljust(SLOT_BYTES, b"\0")


def _key(name: str, event_id: str) -> bytes:
    return f"{name}\t{event_id}".encode()[-_SLOT.size + 8 :]


def _deaths_in(path: Path, header: bytes) -> tuple[dict[bytes, int], str]:
    """What the page of the last process tells, nothing where it is from another boot; and what is wrong with it."""
    deaths: dict[bytes, int] = {}
    try:
        data = path.read_bytes()
    except OSError:
        return deaths, ""
    if len(data) != _SIZE or not data.startswith(_MAGIC):
        return deaths, f"is not a page of ours ({len(data)} bytes)"
    if data[:SLOT_BYTES] != header:
        boot = data[len(_MAGIC) : SLOT_BYTES].split(b" ")[0].decode(errors="replace")
        return deaths, "" if data[:SLOT_BYTES] == _header(boot) else "its header is damaged"
    problem = ""
    for state, count, checksum, padded in _SLOT.iter_unpack(data[SLOT_BYTES:]):
        key = padded.rstrip(b"\0")
        if state not in (_FREE, _HELD, _REMEMBERED) or crc32(key, count) != checksum:
            problem = "a slot is damaged"
        elif state != _FREE:
            deaths[key] = min(deaths.get(key, 0) + (count if state == _REMEMBERED else 1), 255)
    return deaths, problem


def _fresh_page(path: Path, header: bytes, *, damaged: bool) -> mmap.mmap:
    """Without a disk to write on, a page that this process alone can see: healing goes on."""
    try:
        if damaged:
            set_aside(OsDisk(), path)
        page = _mapped(path)
    except OSError:
        page = mmap.mmap(-1, _SIZE)
    page[:] = header.ljust(_SIZE, b"\0")
    return page


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, _SIZE)
        if hasattr(
            os, "posix_fallocate"
        ):  # a hole that a full disk cannot fill would kill us when it is written
            os.posix_fallocate(descriptor, 0, _SIZE)
        return mmap.mmap(descriptor, _SIZE)
    finally:
        os.close(descriptor)
