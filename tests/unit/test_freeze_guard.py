"""When the guard of the loop calls it frozen, and when time that stood still for everybody excuses it."""

from pathlib import Path

from utils.freeze_guard import FreezeGuard


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def guard(clock: Clock) -> FreezeGuard:
    return FreezeGuard(Path("nowhere"), limit_s=30.0, clock=clock)


def pass_time(watch: FreezeGuard, clock: Clock, seconds: int, *, beats: bool) -> list[bool]:
    looks = []
    for _ in range(seconds):
        clock.now += 1.0
        if beats:
            watch.beat()
        looks.append(watch.look())
    return looks


def test_a_loop_that_beats_is_alive() -> None:
    clock = Clock()
    assert not any(pass_time(guard(clock), clock, 300, beats=True))


def test_a_loop_that_stops_beating_is_frozen_after_the_limit() -> None:
    clock = Clock()
    assert pass_time(guard(clock), clock, 31, beats=False) == [False] * 30 + [True]


def test_a_machine_that_slept_an_hour_is_no_frozen_loop() -> None:
    clock = Clock()
    watch = guard(clock)
    pass_time(watch, clock, 5, beats=True)
    clock.now += 3600.0
    assert not watch.look()
    assert pass_time(watch, clock, 31, beats=False)[-1], "and from then on it is watched as before"
