"""Follows the registry's pointers: loads what they name, beside the requests, and swaps it in once it has answered."""

import os
import time
from collections.abc import Iterable
from threading import Event, Thread

from mlops.errors import BadInputError
from mlops.models.folder import checked
from mlops.predictions.records import rfc3339
from mlops.registry.pointer import Pointer
from mlops.registry.reader import Reader
from mlops.serving.served import Served
from mlops.serving.slot import Slot

Mark = tuple[int, int, int] | None
CHECK_S = 30.0  # between looks at the files of the champion, which serves from memory
RETRY_S = 2.0  # what was refused is looked at again: files may have been restored meanwhile


class Follower:
    """One slot and its pointer. `look` blocks for the disk and is called from one thread."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._reader = Reader(slot.places, slot.name)
        self._path = slot.places.pointer(slot.name)
        self._mark: Mark | str = "never"
        self._again_at = 0.0
        self._check_at = -CHECK_S
        self._counted = 0  # the version whose refusal was counted last

    def look(self, now: float) -> None:
        """Take in what changed since the last look."""
        if now >= self._check_at:
            self._check_at = now + CHECK_S
            self._slot.damaged = self._damage()
        mark = self._stat()
        waiting = bool(self._slot.refused) or self._slot.champion is None
        if mark == self._mark and not (waiting and now >= self._again_at):
            return
        self._mark, self._again_at = mark, now + RETRY_S
        try:
            pointer = self._reader.pointer()
        except BadInputError as error:
            self._refuse(str(error))
            return
        self._slot.refused = "; ".join(filter(None, [self._champion(pointer), self._challenger(pointer)]))

    def _damage(self) -> str:
        """A champion whose files are damaged goes on, and would not come back after a restart."""
        slot = self._slot
        if slot.champion is None:
            return ""
        try:
            checked(slot.places.version(slot.name, slot.champion.version), inside=slot.places.models)
        except BadInputError as error:
            return (
                f"version {slot.champion.version} answers from memory and could not be loaded again: {error}"
            )
        return ""

    def _stat(self) -> Mark:
        try:
            found = os.stat(self._path)  # noqa: PTH116 -- several times a second for each model
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _champion(self, pointer: Pointer) -> str:
        slot, version = self._slot, pointer.champion
        if version is None:
            slot.problem = "no version has been trained yet"
            return "the registry names no champion any more; the last one serves" if slot.champion else ""
        if slot.champion is None or slot.champion.version != version:
            try:
                taken = self._loaded(version)
            except BadInputError as error:
                slot.figures.swaps_refused += version != self._counted
                self._counted = version
                slot.problem = str(error)
                return f"champion {version} was not taken: {error}"
            slot.figures.swaps += slot.champion is not None
            slot.since = rfc3339(time.time())
            slot.champion, slot.damaged = taken, ""
        slot.generation, slot.problem = pointer.generation, ""
        return ""

    def _challenger(self, pointer: Pointer) -> str:
        slot, version = self._slot, pointer.challenger
        if version is None or (slot.champion is not None and version == slot.champion.version):
            slot.challenger = None
        elif slot.challenger is None or slot.challenger.version != version:
            slot.challenger = None
            try:
                slot.challenger = self._loaded(version)
            except BadInputError as error:
                return f"challenger {version} was not taken: {error}"
        return ""

    def _loaded(self, version: int) -> Served:
        for held in (self._slot.champion, self._slot.challenger):
            if held is not None and held.version == version:
                return held
        try:
            return Served(self._reader.load(version))
        except BadInputError:
            raise
        except Exception as error:
            raise BadInputError(
                f"cannot be loaded: {type(error).__name__}: {error}", where=f"version {version}"
            ) from error

    def _refuse(self, why: str) -> None:
        self._slot.refused = why
        if self._slot.champion is None:
            self._slot.problem = why


class Watcher:
    """A thread that looks at all pointers every `every_s` seconds."""

    def __init__(self, slots: Iterable[Slot], every_s: float) -> None:
        self._followers = [Follower(slot) for slot in slots]
        self._every_s = every_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def look(self) -> None:
        now = time.monotonic()
        for follower in self._followers:
            follower.look(now)

    def start(self) -> None:
        """After the first look: a server that is asked at once has its models."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look()
