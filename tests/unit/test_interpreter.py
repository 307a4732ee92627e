"""What a start leaves behind is never walked by garbage collection again."""

import gc
import sys
from collections.abc import Iterator

import pytest

from utils.interpreter import hurry, settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    switch_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(switch_s)
    gc.unfreeze()
    gc.enable()


def test_no_garbage_is_looked_for_while_a_start_lasts() -> None:
    hurry()
    assert not gc.isenabled()
    settle()
    assert gc.isenabled()


def test_what_was_there_when_the_start_ended_is_not_walked_again() -> None:
    loaded = [[n] for n in range(100)]
    settle()
    walked = {id(each) for each in gc.get_objects()}
    assert not walked & {id(each) for each in loaded}


def test_a_waiting_thread_gets_its_turn_within_a_millisecond() -> None:
    hurry()
    assert sys.getswitchinterval() <= 0.001
