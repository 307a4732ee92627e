"""Keeps coverage's tracer out of tests that repeat what others run too, and arithmetic to one thread."""

import os
import sys
from collections.abc import Generator

import pytest

# Threads of a small product of matrices wait for one another by spinning, which costs half of the time that tests take.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
