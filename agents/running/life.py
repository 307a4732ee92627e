"""One life of one agent, from its start to its death: takes from the inbox, guards each handling, counts failures."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from agents.agent import Rooted
from agents.events import EventQuarantined, FixStarted
from agents.running.cell import Cell
from agents.running.runner import Runner, UnrecordableError
from utils.bus import Inbox, Item
from utils.event import Event, Fact, Telemetry
from utils.parts import Parts
from utils.structured_logger import get_logger

log = get_logger("life")
RETRY_BASE_S = 0.1  # the first retry waits 1 s, the second 10 s
CANCEL_GRACE_S = 1.0
SWEEP = 64  # facts handled before others get a turn
QUARANTINED_IN_A_ROW = 3  # that many mean the agent, not the events


class AgentFailingError(RuntimeError):
    """Several events in a row were quarantined: the fault is in the agent."""


class Life:
    """One life of one agent, from start to death; a supervisor's child."""

    def __init__(self, runner: Runner, cell: Cell) -> None:
        self.runner = runner
        self.cell = cell
        self._hands: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()

    # Outlet

    def emit(self, *events: Event, because: Event | None = None) -> None:
        self.runner.say(self.cell.name, events, because)

    async def durable(self) -> None:
        await self.runner.journal.durable(self.runner.journal.position)

    def now(self) -> float:
        return self.runner.now()

    async def run(self) -> None:
        """Until cancelled, or until the agent proves to be failing."""
        self.cell.counters.starts += 1
        self.cell.began_at = self.runner.now()
        work = self._work_plain() if self.cell.plain else self._work_hands()
        parts = Parts(self.cell.name)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(parts.part(work))
                if isinstance(self.cell.agent, Rooted):
                    group.create_task(parts.part(self.cell.agent.run(self)))
        except* AgentFailingError as failing:
            raise failing.exceptions[0] from None
        finally:
            self.cell.began_at = 0.0
            await self._drop_hands()

    async def _work_plain(self) -> None:
        cell = self.cell
        traits = cell.agent.traits
        inbox = cell.inbox  # a restarted agent gets a new life and a new inbox
        while True:
            if (waiter := inbox.sleep()) is not None:
                await waiter
            else:
                await asyncio.sleep(0)  # a flood here stops nobody else
            if traits.later_s:
                await asyncio.sleep(traits.later_s)
            if inbox.has_facts:
                await self._sweep(inbox, waits=traits.waits_for_disk)
            if cell.telemetry:
                self._samples()
            self.runner.hasten()

    async def _sweep(self, inbox: Inbox, *, waits: bool) -> None:
        for _ in range(SWEEP):
            item = inbox.take()
            if item is None:
                break
            if waits:
                await self.runner.journal.durable(item.order[0])
            self._handle_plain(item)

    def _handle_plain(self, item: Item) -> None:
        cell, fact = self.cell, cast("Fact", item.fact)
        runner = self.runner
        if self._condemned(item):
            return
        runner.in_hand.begin(cell.name, fact.id)
        try:
            results = cell.agent.handle(fact)
        except Exception as error:  # noqa: BLE001 - whatever an agent raises is its failure, never ours
            runner.in_hand.end(cell.name, fact.id)
            self._failed(item, error)
            return
        runner.in_hand.end(cell.name, fact.id)
        self._settle(item, cast("Sequence[Event]", results))

    def _settle(self, item: Item, results: Sequence[Event]) -> None:
        cell, fact = self.cell, cast("Fact", item.fact)
        facts = results
        if results and any(isinstance(result, Telemetry) for result in results):
            self.runner.say(cell.name, [r for r in results if isinstance(r, Telemetry)])
            facts = [r for r in results if isinstance(r, Fact)]
        try:
            self.runner.record(cell.name, fact, facts, None)
        except UnrecordableError as error:
            self._failed(item, error)
            return
        cell.inbox.done(item)
        cell.counters.handled += 1
        cell.quarantined_in_row = 0

    def _samples(self) -> None:
        cell = self.cell
        handle = cell.agent.handle
        for batch in cell.inbox.samples():
            done = 0
            while done < len(batch):
                try:
                    for event in batch[done:] if done else batch:
                        done += 1
                        results = handle(event)
                        if results:
                            self.runner.say(cell.name, cast("Sequence[Event]", results), None)
                except Exception as error:  # noqa: BLE001 - a failed sample is counted, never retried
                    cell.counters.samples_failed += 1
                    log.warning("sample_failed", agent=cell.name, error=repr(error))
            cell.counters.samples += done

    def _condemned(self, item: Item) -> bool:
        """An event in hand at three deaths of the process is not taken a fourth time; an act always is."""
        deaths = self.runner.deaths.get(item.id, 0)
        if deaths < self.cell.agent.traits.attempts or isinstance(item.fact, FixStarted):
            return False
        self._quarantine(item, f"the process died {deaths} times with this event in hand")
        return True

    def _failed(self, item: Item, error: BaseException) -> None:
        cell = self.cell
        item.tries += 1
        cell.counters.failed += 1
        log.warning("handling_failed", agent=cell.name, fact=item.id, tries=item.tries, error=repr(error))
        if item.tries < cell.agent.traits.attempts:
            wait_s = RETRY_BASE_S * 10**item.tries
            inbox = cell.inbox
            asyncio.get_running_loop().call_later(wait_s, self._again, inbox, item)
        else:
            self._quarantine(item, repr(error))

    def _again(self, inbox: Inbox, item: Item) -> None:
        if inbox is self.cell.inbox:  # a restarted agent has a new inbox, which holds the fact too
            inbox.give_back(item)

    def _quarantine(self, item: Item, error: str) -> None:
        cell, fact = self.cell, cast("Fact", item.fact)
        cell.counters.quarantined += 1
        cell.quarantined_in_row += 1
        told = EventQuarantined(agent=cell.name, event=fact.id, error=error, kind=type(fact).__name__)
        self.runner.record(cell.name, fact, [told], None)
        cell.inbox.done(item)
        if cell.quarantined_in_row >= QUARANTINED_IN_A_ROW:
            raise AgentFailingError(f"{cell.name}: several events in a row failed, last: {error}")

    # --- hands ---

    async def _work_hands(self) -> None:
        cell = self.cell
        inbox = cell.inbox
        while True:
            if (waiter := inbox.sleep()) is not None:
                await waiter
            self._raise_broken()  # before we wait for a hand that may be the broken one
            while len(self._hands) < cell.agent.traits.workers and (item := inbox.take()) is not None:
                self._spawn(item)
            if inbox.has_facts and len(self._hands) >= cell.agent.traits.workers:
                self._free.clear()
                await self._free.wait()

    def _spawn(self, item: Item) -> None:
        task = asyncio.create_task(self._handle_hands(item), name=f"{self.cell.name}:{item.id}")
        self._hands.add(task)
        task.add_done_callback(self._hand_ended)

    def _hand_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._hands.discard(task)
        self._free.set()
        self.cell.inbox.wake()

    def _raise_broken(self) -> None:
        for task in list(self._hands):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self._hands.discard(task)
                raise error

    async def _handle_hands(self, item: Item) -> None:
        cell, fact = self.cell, cast("Fact", item.fact)
        if self._condemned(item):
            return
        slot = f"{cell.name}/{item.lane}"
        work = asyncio.ensure_future(self._when_durable(item, slot))
        try:
            if cell.agent.traits.waits_for_disk:  # the deadline is of the handling
                await self.runner.journal.durable(item.order[0])
            results = await self._within_deadline(
                work, getattr(fact, "deadline_s", cell.agent.traits.deadline_s)
            )
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work}, timeout=CANCEL_GRACE_S)
            raise
        except Exception as error:  # noqa: BLE001 - whatever an agent raises is its failure, never ours
            self._failed(item, error)
            return
        finally:
            self.runner.in_hand.end(slot, fact.id)
        self._settle(item, results)

    async def _when_durable(self, item: Item, slot: str) -> Sequence[Event]:
        """It waits in its own task, which is there already when the disk has answered."""
        if self.cell.agent.traits.waits_for_disk:
            await self.runner.journal.durable(item.order[0])
        self.runner.in_hand.begin(slot, item.id)
        return cast("Sequence[Event]", await cast("Any", self.cell.agent.handle(item.fact)))

    async def _within_deadline(
        self, work: "asyncio.Future[Sequence[Event]]", deadline_s: float
    ) -> Sequence[Event]:
        done, _ = await asyncio.wait({work}, timeout=deadline_s)
        if not done:
            work.cancel()
            done, _ = await asyncio.wait({work}, timeout=CANCEL_GRACE_S)
            if not done:
                self.cell.counters.abandoned += 1
                log.error("handling_ignores_cancellation", agent=self.cell.name)
            raise TimeoutError(f"no result within {deadline_s:g} s")
        return work.result()

    async def _drop_hands(self) -> None:
        for task in self._hands:
            task.cancel()
        if self._hands:
            await asyncio.wait(self._hands, timeout=2 * CANCEL_GRACE_S)
        self._hands.clear()
