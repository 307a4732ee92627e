"""Watches each callback of an event loop, in processor time of its thread: neighbours on the machine do not count."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Callback = Callable[[asyncio.Handle], None]
KEPT = 5


class Longest:
    """The longest callbacks so far, longest first, in seconds with their names."""

    def __init__(self) -> None:
        self.found: list[tuple[float, str]] = []

    @property
    def seconds(self) -> float:
        return self.found[0][0] if self.found else 0.0

    @contextmanager
    def measuring(self) -> Iterator[None]:
        handle_class: Any = asyncio.Handle
        original: Callback = handle_class._run
        handle_class._run = self._measured(original)
        try:
            yield
        finally:
            handle_class._run = original

    def _measured(self, original: Callback) -> Callback:
        thread, clock, get_ident = threading.get_ident(), time.thread_time, threading.get_ident

        def measured(handle: asyncio.Handle) -> None:
            if get_ident() != thread:
                original(handle)
                return
            callback = getattr(handle, "_callback", None)
            began = clock()
            original(handle)
            took = clock() - began
            if len(self.found) < KEPT or took > self.found[-1][0]:
                self._note(took, callback)

        return measured

    def _note(self, took: float, callback: Any) -> None:
        task = getattr(callback, "__self__", None)
        what = task.get_coro() if isinstance(task, asyncio.Task) else callback
        name = getattr(what, "__qualname__", repr(what))
        self.found = sorted([*self.found, (took, name)], reverse=True)[:KEPT]
