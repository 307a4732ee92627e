"""The supervisor: who is restarted, when it gives up, how it stops."""

import asyncio
import contextlib
import itertools

import pytest

from agents.supervisor import Child, Policy, Restart, RestartLimitError, Strategy, Supervisor


class Script:
    """A child that does what it is told at each start: crash, end, or live on."""

    def __init__(self, name: str, log: list[str], *steps: str) -> None:
        self.name, self.log, self.steps = name, log, list(steps)

    async def start(self) -> None:
        self.log.append(f"+{self.name}")
        step = self.steps.pop(0) if self.steps else "live"
        if step == "end":
            return
        await asyncio.sleep(1)
        if step == "crash":
            raise RuntimeError(self.name)
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"-{self.name}")


async def run_for(supervisor: Supervisor, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await supervisor.run()


def children(log: list[str], crashing: str) -> list[Child]:
    return [Child(name=n, start=Script(n, log, "crash" if n == crashing else "live").start) for n in "abc"]


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [
        (Strategy.ONE_FOR_ONE, ["+b"]),
        (Strategy.REST_FOR_ONE, ["-c", "+b", "+c"]),
        (Strategy.ONE_FOR_ALL, ["-c", "-a", "+a", "+b", "+c"]),
    ],
)
async def test_the_strategy_says_who_is_restarted(strategy: Strategy, restarted: list[str]) -> None:
    log: list[str] = []
    await run_for(Supervisor("s", Policy(strategy=strategy), children(log, "b")), 1.9)
    assert log[3 : 3 + len(restarted)] == restarted


async def test_children_stop_in_reverse_order() -> None:
    log: list[str] = []
    await run_for(Supervisor("s", Policy(), children(log, "")), 5)
    assert log[-3:] == ["-c", "-b", "-a"]


async def test_more_than_intensity_restarts_in_the_period_end_the_supervisor() -> None:
    log: list[str] = []
    child = Child(name="a", start=Script("a", log, *["crash"] * 100).start)
    with pytest.raises(RestartLimitError, match="a died too often"):
        await Supervisor("s", Policy(intensity=5), [child]).run()
    assert log == ["+a"] * 6


async def test_a_crash_every_ten_minutes_is_ordinary_life() -> None:
    starts = 0

    async def start() -> None:
        nonlocal starts
        starts += 1
        await asyncio.sleep(600)
        raise RuntimeError

    await run_for(Supervisor("s", Policy(), [Child(name="a", start=start)]), 86400)
    assert 140 <= starts <= 145


async def fails() -> None:
    raise RuntimeError("always")


async def test_one_that_always_fails_alone_is_given_up_although_its_back_off_keeps_it_below_the_intensity() -> (
    None
):
    supervisor = Supervisor("s", Policy(intensity=10), [Child(name="a", start=fails)])
    with pytest.raises(RestartLimitError, match="a died too often"):
        async with asyncio.timeout(3600):
            await supervisor.run()
    assert 60 < asyncio.get_running_loop().time() < 600


async def test_what_is_said_of_a_death_is_what_was_raised_and_not_the_groups_around_it() -> None:
    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    with pytest.raises(RestartLimitError, match=r"died too often, last of RuntimeError\('always'\)$"):
        await Supervisor("s", Policy(intensity=0), [Child(name="a", start=grouped)]).run()


async def test_one_that_lived_for_long_starts_afresh() -> None:
    starts = 0

    async def start() -> None:
        nonlocal starts
        starts += 1
        await asyncio.sleep(0 if starts % 25 else 4000)
        raise RuntimeError

    await run_for(Supervisor("s", Policy(intensity=10), [Child(name="a", start=start)]), 86400)
    assert starts > 100


async def test_a_supervisor_that_is_started_anew_remembers_what_it_met_within_the_hour() -> None:
    supervisor = Supervisor("s", Policy(intensity=10), [Child(name="a", start=fails)])
    for restarts in (30, 30):
        with pytest.raises(RestartLimitError):
            await asyncio.wait_for(supervisor.run(), 3600)
        assert supervisor.restarts == {"a": restarts}
    await asyncio.sleep(3600)
    with pytest.raises(RestartLimitError):
        await supervisor.run()
    assert supervisor.restarts == {"a": 60}


async def test_what_is_to_be_tried_for_ever_is_tried_for_ever() -> None:
    supervisor = Supervisor("s", Policy(intensity=10, long_intensity=None), [Child(name="a", start=fails)])
    await run_for(supervisor, 5400)
    assert supervisor.restarts["a"] > 300


async def test_a_restart_waits_in_its_own_task_and_longer_each_time() -> None:
    times: list[float] = []

    async def start() -> None:
        times.append(asyncio.get_running_loop().time())
        raise RuntimeError

    with pytest.raises(RestartLimitError):
        await Supervisor("s", Policy(intensity=4, backoff_s=1), [Child(name="a", start=start)]).run()
    assert [round(b - a) for a, b in itertools.pairwise(times)] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("restart", "step", "starts"),
    [
        (Restart.TRANSIENT, "end", 1),
        (Restart.TRANSIENT, "crash", 2),
        (Restart.TEMPORARY, "crash", 1),
        (Restart.PERMANENT, "end", 2),
    ],
)
async def test_the_kind_of_child_says_whether_it_is_started_again(
    restart: Restart, step: str, starts: int
) -> None:
    log: list[str] = []
    child = Child(name="a", start=Script("a", log, step).start, restart=restart)
    await run_for(Supervisor("s", Policy(), [child]), 10)
    assert log.count("+a") == starts


async def test_a_child_that_ignores_cancellation_is_counted_and_holds_up_nobody() -> None:
    async def stubborn() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1000)
                return

    supervisor = Supervisor("s", Policy(), [Child(name="a", start=stubborn, shutdown_s=2)])
    began = asyncio.get_running_loop().time()
    await run_for(supervisor, 5)
    assert asyncio.get_running_loop().time() - began == pytest.approx(7)
    assert supervisor.stubborn == 1
    await asyncio.sleep(2000)


async def test_a_supervisor_is_a_child_and_its_giving_up_is_counted_by_its_parent() -> None:
    log: list[str] = []
    inner = Supervisor(
        "inner", Policy(intensity=1), [Child(name="a", start=Script("a", log, *["crash"] * 9).start)]
    )
    outer = Supervisor(
        "outer", Policy(intensity=1, backoff_s=100, backoff_max_s=100), [Child(name="inner", start=inner.run)]
    )
    await run_for(outer, 50)
    assert outer.restarts == {"inner": 1}


async def test_a_silent_child_can_be_made_to_die() -> None:
    log: list[str] = []
    supervisor = Supervisor("s", Policy(), [Child(name="a", start=Script("a", log).start)])
    task = asyncio.create_task(supervisor.run())
    await asyncio.sleep(5)
    supervisor.restart("a", "its oldest event waits for 60 s")
    await asyncio.sleep(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert log == ["+a", "-a", "+a", "-a"]


async def test_the_first_child_can_be_made_to_die_before_it_began_and_the_others_do_not_wait_for_it() -> None:
    log: list[str] = []
    supervisor = Supervisor("s", Policy(), children(log, ""))
    running = asyncio.create_task(supervisor.run())
    asyncio.get_running_loop().call_soon(supervisor.restart, "a", "at once")
    await asyncio.sleep(1)
    assert sorted(log) == ["+a", "+b", "+c"]
    running.cancel()


async def test_one_that_is_never_restarted_and_dies_in_a_back_off_keeps_nobody_waiting() -> None:
    log: list[str] = []
    first = Child(name="a", start=Script("a", log).start, restart=Restart.TEMPORARY)
    both = [first, Child(name="b", start=Script("b", log, "crash").start)]
    supervisor = Supervisor("s", Policy(strategy=Strategy.ONE_FOR_ALL, backoff_s=1), both)
    asyncio.get_running_loop().call_later(1.5, supervisor.restart, "a", "in the back-off")
    await run_for(supervisor, 5)
    assert log == ["+a", "+b", "-a", "+b", "-b"]


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
async def test_two_that_end_at_the_same_instant_are_each_restarted_once(strategy: Strategy) -> None:
    log: list[str] = []
    both = [Child(name=n, start=Script(n, log, "crash").start) for n in "ab"]
    supervisor = Supervisor("s", Policy(strategy=strategy), both)
    await run_for(supervisor, 5)
    assert log == ["+a", "+b", "+a", "+b", "-b", "-a"]
