"""Tunes the interpreter for a loop that nothing may hold up: who gets the lock when, and what garbage collection walks."""

import gc
import sys

YOUNG_OBJECTS = 10_000  # with the usual 700 every other restart waits for a collection
SWITCH_S = 0.0001  # with the usual 5 ms a sync that is done waits for the loop, and with it every restart


def hurry() -> None:
    """At a start: what is loaded now stays, so looking for garbage among it is wasted."""
    gc.disable()
    sys.setswitchinterval(SWITCH_S)


def settle() -> None:
    """After a start, and again once late imports are in: no full collection walks all this, which takes some 15 ms."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()
