"""One writer at a time: a lock on a file of the model's folder, given back by the system however a process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops.errors import BadInputError

PATIENCE_S = 30.0
PAUSE_S = 0.02


@contextmanager
def writing(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock; BadInputError where somebody else holds it for too long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path, time.monotonic() + patience_s)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, until: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                do = "wait for the other program that changes this model, or stop it"
                raise BadInputError("is held by another program", where=path, do=do) from None
            time.sleep(PAUSE_S)
