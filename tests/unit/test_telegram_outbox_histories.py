"""Random histories of an outbox: whatever happens between, each key ends with one message that says the last thing."""

import asyncio
import random

import pytest

from platforms.telegram.failures import FailureError
from tests.fixtures.outbox_bench import ANN, GROUP, Bench, make_bench


async def live(bench: Bench, chance: random.Random, steps: int) -> dict[str, str]:
    """Puts and troubles in any order; what each key said last."""
    last: dict[str, str] = {}
    for n in range(steps):
        await asyncio.sleep(chance.choice((0.0, 0.1, 1.0, 7.0)))
        bench.wire.takes_s = chance.choice((0.0, 0.0, 0.3, 2.0))
        match chance.randrange(8):
            case 0:
                trouble(bench, chance)
            case 1 if bench.wire.texts:
                del bench.wire.texts[chance.choice(list(bench.wire.texts))]  # a person deletes a message
            case 2:
                bench.wire.down = chance.random() < 0.3
            case _:
                key = chance.choice("abcdef")
                last[key] = f"{key} {n}"
                bench.say(key, last[key], urgent=chance.random() < 0.2, ring=chance.random() < 0.1)
    bench.wire.down = False
    return last


def trouble(bench: Bench, chance: random.Random) -> None:
    match chance.randrange(3):
        case 0 if not bench.wire.lost:
            bench.wire.lose()
        case 1:
            bench.wire.fail("flooded", wait_s=chance.choice((1, 10)))
        case _:
            bench.wire.failures.append(FailureError("network", "x", maybe_done=chance.random() < 0.5))


@pytest.mark.parametrize("seed", range(20))
async def test_each_key_ends_with_one_message_that_says_the_last_thing(seed: int) -> None:
    chance = random.Random(seed)
    bench = make_bench(chance.choice((ANN, GROUP)))
    task = asyncio.create_task(bench.lane.run(bench.wire))
    bench.say("first")
    await asyncio.sleep(3)
    last = await live(bench, chance, 60)
    await asyncio.sleep(3600)
    for key in last:  # a message that a person deleted last comes back with the next word
        last[key] += "!"
        bench.say(key, last[key])
    await asyncio.sleep(3600)
    assert not task.done()
    task.cancel()
    assert len(bench.lane.waiting) == 0
    ours = {key: bench.wire.texts[dict(bench.kept)[key]] for key in last}
    assert ours == last
    others = [text for text in bench.texts if text not in last.values() and text != "first"]
    assert others == []
