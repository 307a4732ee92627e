"""The end of the journal that is in memory only: records for readers, their lines for the disk."""

from utils.event import Record

GROUP_BYTES = 8 * 1024 * 1024  # no commit writes more at once


class Tail:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.lines: list[bytes] = []
        self.size = 0
        self._partial = False

    def add(self, record: Record, line: bytes) -> None:
        self.records.append(record)
        self.lines.append(line)
        self.size += len(line)

    def group(self) -> list[bytes]:
        """The lines that one commit takes."""
        self._partial = self.size > GROUP_BYTES
        if not self._partial:
            return self.lines[:]
        size = count = 0
        for line in self.lines:
            size += len(line)
            if size > GROUP_BYTES and count:
                break
            count += 1
        return self.lines[:count]

    def drop(self, count: int, size: int) -> bool:
        """Forget what is durable now; True if that group did not hold all there was."""
        del self.records[:count]
        del self.lines[:count]
        self.size -= size
        return self._partial
