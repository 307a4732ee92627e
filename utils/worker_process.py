"""What a worker process runs: takes one piece of work from stdin, answers on stdout, and dies when stdin ends."""

import contextlib
import os
import pickle
import signal
import struct
import sys
import threading
from typing import BinaryIO

LENGTH = struct.Struct("!Q")
_PR_SET_PDEATHSIG = 1


class Failed:
    """The work raised: the error itself where it can travel, and what it said."""

    def __init__(self, error: BaseException | None, text: str) -> None:
        self.error = error
        self.text = text


def main() -> None:
    _die_with_parent()
    stdin = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the work prints is no answer
    (length,) = LENGTH.unpack(stdin.read(LENGTH.size))
    paths, niceness, work = pickle.loads(stdin.read(length))  # noqa: S301 - from the process that started us
    sys.path[:] = paths
    os.nice(niceness)
    threading.Thread(target=_watch, args=(stdin,), daemon=True).start()
    answers.write(_carried_out(work))
    answers.flush()
    os._exit(0)  # threads of libraries keep nobody waiting


def _carried_out(work: bytes) -> bytes:
    # under the name by which the daemon knows it
    from utils.worker_process import Failed as Told

    try:
        function, args, kwargs = pickle.loads(work)  # noqa: S301
        return pickle.dumps(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - everything is told, a SystemExit too
        told = f"{type(error).__name__}: {error}"
        with contextlib.suppress(Exception):
            answer = pickle.dumps(Told(error, told))
            pickle.loads(answer)  # noqa: S301 - some errors can be packed and not unpacked
            return answer
        return pickle.dumps(Told(None, told))


def _watch(stdin: BinaryIO) -> None:
    """The daemon holds the other end and writes nothing more: the end of the stream is its death."""
    stdin.read(1)
    os.killpg(0, signal.SIGKILL)


def _die_with_parent() -> None:
    """At once, also while native code holds the interpreter and no thread of ours can run. Linux only."""
    if sys.platform != "linux":
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


if __name__ == "__main__":
    main()
