"""Who only watches hears a moment later, in order, and harms nobody."""

import asyncio
import io

from scripts.behind import LATER_S, Behind
from utils.event import Record
from utils.structured_logger import configure


def records(*positions: int) -> list[Record]:
    return [Record(position, "agent") for position in positions]


async def test_records_come_a_moment_later_in_order_to_everybody() -> None:
    seen: list[tuple[str, int]] = []
    behind = Behind(lambda r: seen.append(("a", r.position)), lambda r: seen.append(("b", r.position)))
    for record in records(1, 2):
        behind.record(record)
    await asyncio.sleep(LATER_S / 2)
    assert seen == []
    await asyncio.sleep(LATER_S)
    assert seen == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


async def test_what_comes_later_still_is_not_forgotten() -> None:
    seen: list[int] = []
    behind = Behind(lambda r: seen.append(r.position))
    for record in records(1, 2, 3):
        behind.record(record)
        await asyncio.sleep(2 * LATER_S)
    assert seen == [1, 2, 3]


async def test_at_the_end_it_catches_up_and_says_nothing_twice() -> None:
    seen: list[int] = []
    behind = Behind(lambda r: seen.append(r.position))
    behind.record(Record(1, "agent"))
    behind.catch_up()
    assert seen == [1]
    await asyncio.sleep(2 * LATER_S)
    assert seen == [1]


async def test_a_listener_that_fails_is_told_of_and_harms_no_other() -> None:
    out = io.StringIO()
    configure(stream=out)
    seen: list[int] = []

    def broken(_: Record) -> None:
        raise ValueError("no")

    behind = Behind(broken, lambda r: seen.append(r.position))
    for record in records(1, 2):
        behind.record(record)
    await asyncio.sleep(2 * LATER_S)
    assert seen == [1, 2]
    assert out.getvalue().count("listener_failed") == 2
