"""Writers of the prediction log and the label log: a bounded buffer for a server, plain functions for scripts."""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path
from threading import Lock

import msgspec
from msgspec import Struct

from mlops.places import Places
from mlops.predictions.daily import DailyFile, forget
from mlops.predictions.records import Label, Prediction, Shadowed, day_of

Entry = tuple[str, bytes]  # (UTC day, line)
AT_ONCE = 10_000
_encode = msgspec.json.Encoder().encode


class LogFigures(Struct):
    """What became of the lines that were given to a log."""

    written: int = 0
    lost: int = 0  # the buffer was full: a disk that takes nothing for a long time
    lost_at: float = 0.0  # the last time, by the monotonic clock
    failed_writes: int = 0
    problem: str = ""  # of the last write; empty when it went well


class BufferedLog:
    """`add` never waits and never fails; `flush`, in a thread of its own, writes what has gathered.

    While the disk takes nothing, up to `room` lines are kept; then new ones are lost, counted and told.
    """

    def __init__(self, folder: Path, *, room: int = 100_000, keep_days: int = 90) -> None:
        self.figures = LogFigures()
        self._file = DailyFile(folder)
        self._entries: deque[Entry] = deque()
        self._in_hand = 0  # of a write that is under way; they take room until it went well
        self._lock = Lock()
        self._room = room
        self._keep_days = keep_days
        self._cleaned = ""
        self.unsynced = False  # lines are in the file that a power cut may take

    def add(self, day: str, line: bytes) -> None:
        with self._lock:
            if len(self._entries) + self._in_hand < self._room:
                self._entries.append((day, line))
            else:
                self.figures.lost += 1
                self.figures.lost_at = time.monotonic()

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._entries) + self._in_hand

    def flush(self, *, sync: bool = False) -> None:
        """One write for each day that has lines; one caller at a time."""
        with self._lock:
            batch = list(self._entries)
            self._entries.clear()
            self._in_hand = len(batch)
        try:
            while batch:
                batch = self._written(batch)
            if sync:
                self._file.sync()
                self.unsynced = False
        except OSError as error:
            self._give_back(batch)
            self._file.close()  # after a failure nothing is known about a descriptor
            self.figures.failed_writes += 1
            self.figures.problem = f"{self._file.folder}: {error.strerror or error}"
        else:
            self.figures.problem = ""

    def flush_and_sync(self) -> None:
        self.flush(sync=True)

    def close(self) -> None:
        """Write what waits; what the disk does not take now is lost and counted."""
        self.flush(sync=True)
        self.figures.lost += len(self._entries)
        self._entries.clear()
        self._file.close()

    def _give_back(self, batch: list[Entry]) -> None:
        with self._lock:
            self._in_hand = 0
            self._entries.extendleft(reversed(batch))

    def _written(self, batch: list[Entry]) -> list[Entry]:
        """Write the lines of the batch's first day; what remains."""
        day = batch[0][0]
        lines = [line for each, line in batch if each == day]
        whole = self._file.append(day, lines)
        self.unsynced = True
        with self._lock:
            self.figures.written += whole
            self._in_hand -= whole
        if day > self._cleaned:
            self._cleaned = day
            with suppress(OSError):  # of old days; the new line is what matters
                forget(self._file.folder, day, self._keep_days)
        others = [entry for entry in batch if entry[0] != day]
        rest = [(day, line) for line in lines[whole:]]
        if rest:  # the disk took a part: its error comes with the next write, by which nothing is lost
            return rest + others
        return others


def append_predictions(places: Places, model: str, records: Iterable[Prediction | Shadowed]) -> int:
    """Write predictions at once, as a script or a test does; how many. OSError: those after them are not there."""
    return _append(places.predictions(model), ((_day(record), _encode(record)) for record in records))


def append_labels(places: Places, model: str, labels: Iterable[Label]) -> int:
    return _append(places.labels(model), ((day_of(label.timestamp), _encode(label)) for label in labels))


def _day(record: Prediction | Shadowed) -> str:
    """A challenger's word stands in the file of its prediction, whose day the id tells."""
    if isinstance(record, Prediction):
        return day_of(record.timestamp)
    compact = record.prediction_id[5:13]
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:]}"


def _append(folder: Path, entries: Iterable[Entry]) -> int:
    """Block by block, and of each block day by day: changing the file costs a sync."""
    file, written, rest = DailyFile(folder), 0, iter(entries)
    try:
        while block := sorted(islice(rest, AT_ONCE), key=lambda entry: entry[0]):
            for day, group in groupby(block, key=lambda entry: entry[0]):
                lines = [line for _, line in group]
                while lines:
                    whole = file.append(day, lines)
                    written += whole
                    lines = lines[whole:]
        file.sync()
    finally:
        file.close()
    return written
