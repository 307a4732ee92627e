"""Reads an HTTP/1.x answer as it comes in: status, and a body by length, in chunks or until the end."""

import re

from msgspec import Struct

_HEAD_LIMIT = 65_536
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")
_NO_BODY = (204, 304)


class Answer(Struct, frozen=True):
    status: int
    body: bytes
    cut: bool = False  # there was more than the limit


class AnswerParser:
    """Feed what arrives, b"" for the end of the connection. Raises ValueError for what is no HTTP answer."""

    def __init__(self, body_limit: int) -> None:
        self.done = False
        self._limit = body_limit
        self._status = 0
        self._pending = bytearray()
        self._body = bytearray()
        self._left: int | None = 0  # bytes of the body, or of this chunk; None: until the connection ends
        self._chunked = False
        self._cut = False

    def feed(self, data: bytes) -> None:
        self._pending += data
        if not self._status:
            self._read_head()
        if self._status and not self.done:
            self._read_body()
        if not data and not self.done:
            if not self._status or self._left is not None:
                raise ValueError("the connection ended in the middle of the answer")
            self.done = True

    def answer(self) -> Answer:
        return Answer(self._status, bytes(self._body), self._cut)

    def _read_head(self) -> None:
        while not self._status:
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            if len(head) > _HEAD_LIMIT or (len(head) >= 9 and not head.startswith(b"HTTP/1.")):
                raise ValueError("this is no HTTP answer")
            if not end:
                return
            self._pending = rest
            lines = bytes(head).split(b"\r\n")
            found = _STATUS.match(lines[0])
            if found is None:
                raise ValueError("this is no HTTP answer")
            status = int(found[1])
            if status >= 200 or status == 101:  # others only announce the real answer
                self._status = status
                self._find_length(lines[1:])

    def _find_length(self, lines: list[bytes]) -> None:
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
        }
        self._chunked = fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked")
        if self._status in _NO_BODY:
            self.done = True
        elif self._chunked:
            self._left = 0
        elif b"content-length" in fields:
            self._left = int(fields[b"content-length"])
            self.done = self._left == 0
        else:
            self._left = None

    def _read_body(self) -> None:
        if self._chunked:
            self._read_chunks()
            return
        self._keep(self._pending)
        if self._left is not None:
            self._left -= len(self._pending)
            self.done = self.done or self._left <= 0
        self._pending = bytearray()

    def _read_chunks(self) -> None:
        at = 0
        while not self.done:
            if not self._left:
                end = self._pending.find(b"\r\n", at)
                if end < 0:
                    break
                if end == at:  # after a chunk's data
                    at += 2
                    continue
                self._left = int(self._pending[at:end].split(b";")[0], 16)
                at = end + 2
                self.done = self._left == 0  # what may follow are trailers
                continue
            piece = self._pending[at : at + self._left]
            if not piece:
                break
            self._keep(piece)
            self._left -= len(piece)
            at += len(piece)
        del self._pending[:at]

    def _keep(self, piece: bytearray) -> None:
        room = self._limit - len(self._body)
        self._body += piece[:room]
        if len(piece) > room:
            self._cut = self.done = True
