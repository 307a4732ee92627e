"""Telemetry through the real runner, stamped, against one asyncio.Queue per subscriber, stamped too."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from agents.agent import Traits
from agents.events import ProbeObserved
from agents.running.life import Life
from agents.running.runner import Runner
from benchmarks.measure import median
from benchmarks.report import Goal, Table
from utils.event import Event, Record

SUBSCRIBERS = (1, 5, 20)
BURSTS = (100, 1)
BOUNDS = {(5, 100): 1.5, (20, 100): 2.5, (1, 1): 0.8, (5, 1): 0.8, (20, 1): 0.8}
QUEUE_BOUND = 1024


class _NoJournal:
    """Telemetry is never journalled."""

    position = 0

    def append(self, agent: str, handled: str, results: Sequence[Any]) -> Record:
        raise AssertionError("telemetry is no fact")

    async def durable(self, position: int) -> bool:
        return True

    def hasten(self) -> None: ...
    def read(self, after: int) -> Iterator[Record]:
        return iter(())


class _NoPage:
    def begin(self, agent: str, event_id: str) -> None: ...
    def end(self, agent: str, event_id: str) -> None: ...


class _State(Struct):
    pass


class _Counter:
    """An agent that counts."""

    consumes: tuple[type[Event], ...] = (ProbeObserved,)
    emits: tuple[type[Event], ...] = ()
    traits = Traits()

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = _State()
        self.seen = 0

    def handle(self, event: Event) -> Sequence[Event]:
        self.seen += 1
        return ()

    def apply(self, fact: Event) -> None: ...


def run(*, quick: bool) -> list[Table]:
    deliveries, rounds = (100_000, 3) if quick else (400_000, 7)
    rows, goals = [], []
    for subscribers, burst in itertools.product(SUBSCRIBERS, BURSTS):
        events = max(deliveries // (10 if burst == 1 else 1) // subscribers // burst, 1) * burst
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(asyncio.run(_through_runner(subscribers, burst, events)))
            theirs.append(asyncio.run(_through_queues(subscribers, burst, events)))
        ratio = median([a / b for a, b in zip(ours, theirs, strict=True)])
        rows.append(
            (
                f"{subscribers} subscribers, {_how(burst)}",
                f"{median(ours) / 1e6:.2f}",
                f"{median(theirs) / 1e6:.2f}",
                f"{ratio:.2f}",
            )
        )
        if bound := BOUNDS.get((subscribers, burst)):
            goals.append(
                Goal(f"{subscribers} subscribers, {_how(burst)}: times the queues", ratio, bound, least=True)
            )
    return [
        Table(
            title="Telemetry, stamped: million deliveries per CPU second",
            columns=("", "runner", "asyncio.Queue", "ratio"),
            rows=rows,
            goals=goals,
        )
    ]


def _how(burst: int) -> str:
    return "one event per wake-up" if burst == 1 else f"bursts of {burst}"


async def _through_runner(subscribers: int, burst: int, events: int) -> float:
    runner = Runner(_NoJournal(), time.monotonic, _NoPage())
    counters = [_Counter(f"counter{n}") for n in range(subscribers)]
    cells = [runner.add(lambda counter=counter: counter) for counter in counters]  # type: ignore[misc]
    lives = [asyncio.create_task(Life(runner, cell).run()) for cell in cells]
    await asyncio.sleep(0.01)

    def publish() -> None:
        runner.publish([ProbeObserved(ok=True, service="shop") for _ in range(burst)])

    return await _cpu_rate(
        publish, lambda: min(counter.seen for counter in counters), lives, subscribers, burst, events
    )


async def _through_queues(subscribers: int, burst: int, events: int) -> float:
    queues: list[asyncio.Queue[ProbeObserved]] = [asyncio.Queue(QUEUE_BOUND) for _ in range(subscribers)]
    handled = [0] * subscribers
    ids = itertools.count()

    async def subscriber(n: int) -> None:
        take = queues[n].get

        async def handle(_: ProbeObserved) -> None:
            handled[n] += 1

        while True:
            await handle(await take())

    def publish() -> None:
        for _ in range(burst):
            event = ProbeObserved(ok=True, service="shop")
            force_setattr(event, "at", time.monotonic())
            force_setattr(event, "id", f"t{next(ids)}")
            for queue in queues:
                queue.put_nowait(event)  # never full: the bursts are shorter than the queue

    tasks = [asyncio.create_task(subscriber(n)) for n in range(subscribers)]
    await asyncio.sleep(0.01)
    return await _cpu_rate(publish, lambda: min(handled), tasks, subscribers, burst, events)


async def _cpu_rate(
    publish: Callable[[], None],
    seen: Callable[[], int],
    tasks: Sequence["asyncio.Task[None]"],
    subscribers: int,
    burst: int,
    events: int,
) -> float:
    """Deliveries per second of processor time, bursts with a turn of the loop in between."""
    began = time.process_time()
    for _ in range(events // burst):
        publish()
        await asyncio.sleep(0)
    while seen() < events:
        await asyncio.sleep(0)
    took = time.process_time() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return subscribers * events / took
