"""Reads records out of segments, a piece at a time; the last piece is kept, so that small steps cost no new read."""

from collections.abc import Iterator
from pathlib import Path

from utils.damage import Damage, Tell
from utils.decoding import RecordDecoder
from utils.disk import Disk
from utils.event import Record
from utils.segments import Piece, Segment, is_whole


class SegmentReader:
    """A bad line is told, and it and what follows it in its piece are passed over."""

    def __init__(self, disk: Disk, decoder: RecordDecoder, tell: Tell) -> None:
        self._disk = disk
        self._decode = decoder
        self._tell = tell
        self._held: tuple[Path, Piece] | None = None
        self._lines: list[bytes] = []

    def records(self, segment: Segment, after: int) -> Iterator[Record]:
        """Records of one segment behind `after`."""
        while after < segment.last:
            piece = segment.piece(after + 1)
            lines = self._lines_of(segment.path, piece)
            for position in range(after + 1, piece.last + 1):
                line = lines[position - piece.first] if position - piece.first < len(lines) else b""
                if not is_whole(line, position):
                    problem = f"the record of position {position} is damaged; passed over up to {piece.last}"
                    self._tell(Damage(str(segment.path), problem))
                    break
                yield self._decode(memoryview(line)[9:])
            after = piece.last

    def _lines_of(self, path: Path, piece: Piece) -> list[bytes]:
        if self._held != (path, piece):
            self._lines = self._disk.read(path, piece.offset, piece.length).split(b"\n")
            self._held = (path, piece)
        return self._lines
