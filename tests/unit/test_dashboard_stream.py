import asyncio

from dashboard.stream import Stream
from dashboard.view import Item


def item(number: int) -> Item:
    return {"id": str(number), "type": "X"}


async def ids(stream: Stream, count: int, **how: object) -> list[str]:
    reader = stream.subscribe(**how)  # type: ignore[arg-type]
    return [(await anext(reader))["id"] for _ in range(count)]


async def test_a_reader_that_comes_back_misses_nothing() -> None:
    stream = Stream()
    for number in range(5):
        stream.publish(item(number))
    assert await ids(stream, 3, after="1") == ["2", "3", "4"]


async def test_a_new_reader_gets_the_last_ones_in_order() -> None:
    stream = Stream(kept=3)
    for number in range(5):
        stream.publish(item(number))
    assert await ids(stream, 2, backlog=2) == ["3", "4"]
    assert [i["id"] for i in stream.recent(9)] == ["4", "3", "2"]


async def test_a_reader_whose_last_id_is_forgotten_is_told_of_a_gap() -> None:
    stream = Stream(kept=2)
    for number in range(5):
        stream.publish(item(number))
    reader = stream.subscribe(after="0")
    first = await anext(reader)
    assert (first["type"], first["missed"]) == ("gap", None)
    assert (await anext(reader))["id"] == "3"


async def test_a_slow_reader_is_told_how_many_it_missed_and_let_go_while_others_get_all() -> None:
    stream = Stream(queue=3)
    slow, quick = stream.subscribe(), stream.subscribe()
    got = []
    for number in range(5):
        stream.publish(item(number))
        got.append((await anext(quick))["id"])
    assert [dict(i) async for i in slow] == [{"id": "", "type": "gap", "missed": 4}]
    assert got == ["0", "1", "2", "3", "4"]
    assert (stream.readers, stream.dropped_readers) == (1, 1)


async def test_closing_ends_every_subscription_after_what_waits() -> None:
    stream = Stream()
    reader = stream.subscribe()
    stream.publish(item(1))
    stream.close()
    assert [i["id"] async for i in reader] == ["1"]
    assert [i async for i in stream.subscribe()] == []


async def test_a_waiting_reader_is_woken_by_news() -> None:
    stream = Stream()
    reader = stream.subscribe()
    waiting = asyncio.ensure_future(anext(reader))  # type: ignore[arg-type]
    await asyncio.sleep(1)
    stream.publish(item(7))
    assert (await waiting)["id"] == "7"


async def test_a_reader_that_leaves_is_forgotten() -> None:
    stream = Stream()
    reader = stream.subscribe(backlog=1)
    stream.publish(item(1))
    await anext(reader)
    await reader.aclose()  # type: ignore[attr-defined]
    assert stream.readers == 0
