"""Delivery: an inbox of facts in lanes, and rings of telemetry with a cursor for each reader."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from utils.event import Event, Fact

UNHURRIED_S = 0.002  # the time in which a permission is synced and acted on
LANE_IN_MEMORY = 256  # facts of one lane held with their bodies; later ones are fetched from the journal


class Item:
    """A fact on its way to one agent. `fact` is None while its body waits in the journal."""

    __slots__ = ("fact", "id", "lane", "order", "tries")

    def __init__(self, order: tuple[int, int], lane: str, fact: Fact | None, fact_id: str) -> None:
        self.order = order
        self.lane = lane
        self.fact = fact
        self.id = fact_id
        self.tries = 0

    def __lt__(self, other: "Item") -> bool:
        return self.order < other.order


class Ring:
    """Telemetry of one type: published once, read by many; the oldest is dropped and counted."""

    __slots__ = ("_base", "_capacity", "_items", "end", "readers")

    def __init__(self, capacity: int = 4096) -> None:
        self._items: list[Event] = []
        self._base = 0
        self._capacity = capacity
        self.end = 0
        self.readers: list[Inbox] = []

    def extend(self, events: Iterable[Event]) -> None:
        items = self._items
        items.extend(events)
        if len(items) > 2 * self._capacity:
            surplus = len(items) - self._capacity
            del items[:surplus]
            self._base += surplus
        self.end = self._base + len(items)
        for inbox in self.readers:
            if inbox.waiter is not None:
                inbox.wake()

    def read(self, cursor: int) -> tuple[list[Event], int, int]:
        """Events from `cursor` on, the new cursor, and how many were lost in between."""
        lost = max(self._base - cursor, 0)
        start = cursor + lost - self._base
        return self._items[start:], self.end, lost


class Inbox:
    """Facts of one agent, ordered within a lane, the oldest free lane first; telemetry behind them."""

    def __init__(self, fetch: Callable[[int, str], Fact]) -> None:
        self._fetch = fetch
        self._lanes: dict[str, deque[Item]] = {}
        self._ready: list[Item] = []
        self._in_hand: dict[str, Item] = {}
        self.waiter: asyncio.Future[None] | None = None
        self._wakes_later = False
        self._rings: list[tuple[Ring, list[int]]] = []
        self.dropped = 0

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values()) + len(self._in_hand)

    def offer(self, position: int, n: int, lane: str, fact: Fact, *, hurried: bool = True) -> None:
        """Take a fact in; behind a long lane only its place is kept. One that is not hurried wakes nobody at once."""
        queue = self._lanes.get(lane)
        if queue is None:
            queue = self._lanes[lane] = deque()
        body = fact if len(queue) < LANE_IN_MEMORY else None
        item = Item((position, n), lane, body, fact.id)
        queue.append(item)
        if len(queue) == 1 and lane not in self._in_hand:
            heappush(self._ready, item)
        if self.waiter is not None and self._ready:
            if hurried:
                self.wake()
            elif not self._wakes_later:
                self._wakes_later = True
                asyncio.get_running_loop().call_later(UNHURRIED_S, self._wake_late)

    def take(self) -> Item | None:
        """The oldest fact whose lane is free; its lane is in hand until `done` or `give_back`."""
        if not self._ready:
            return None
        item = heappop(self._ready)
        lane = self._lanes[item.lane]
        lane.popleft()
        if not lane:
            del self._lanes[item.lane]
        self._in_hand[item.lane] = item
        if item.fact is None:
            item.fact = self._fetch(item.order[0], item.id)
        return item

    def done(self, item: Item) -> None:
        del self._in_hand[item.lane]
        lane = self._lanes.get(item.lane)
        if lane:
            heappush(self._ready, lane[0])
            self.wake()

    def give_back(self, item: Item) -> None:
        """The fact is to be tried again: it goes to the head of its lane."""
        del self._in_hand[item.lane]
        self._lanes.setdefault(item.lane, deque()).appendleft(item)
        heappush(self._ready, item)
        self.wake()

    def unhandled(self) -> dict[str, int]:
        """Id and journal position of everything offered and not handled."""
        open_items = {item.id: item.order[0] for item in self._in_hand.values()}
        for lane in self._lanes.values():
            open_items.update((item.id, item.order[0]) for item in lane)
        return open_items

    def oldest_waiting(self) -> Item | None:
        return self._ready[0] if self._ready else None

    # --- telemetry ---

    def subscribe(self, ring: Ring) -> None:
        self._rings.append((ring, [ring.end]))
        ring.readers.append(self)

    def unsubscribe(self) -> None:
        """Let go of all rings: an inbox that nobody reads any more."""
        for ring, _ in self._rings:
            ring.readers.remove(self)
        self._rings.clear()

    def samples(self) -> list[list[Event]]:
        """New telemetry, a batch for each type."""
        batches = []
        for ring, cursor in self._rings:
            if cursor[0] != ring.end:
                batch, cursor[0], lost = ring.read(cursor[0])
                self.dropped += lost
                batches.append(batch)
        return batches

    @property
    def has_facts(self) -> bool:
        return bool(self._ready)

    # --- waiting ---

    def wake(self) -> None:
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _wake_late(self) -> None:
        self._wakes_later = False
        self.wake()

    def sleep(self) -> "asyncio.Future[None] | None":
        """What to await until there is a fact to take or telemetry to read; None if there is something now."""
        if self._ready:
            return None
        for ring, cursor in self._rings:
            if cursor[0] != ring.end:
                return None
        self.waiter = waiter = asyncio.get_running_loop().create_future()
        return waiter
