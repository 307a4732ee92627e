import asyncio
import json
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from mlops.models.linear import Linear
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.predictions.reading import predictions
from mlops.registry.pointer import read_pointer, write_pointer
from mlops.registry.registry import Registry
from tests.fixtures.extra import needs
from tests.fixtures.served_models import CREDIT, credit, server, world
from tests.fixtures.small_models import Made
from utils.disk import OsDisk

needs("fastapi", "uvicorn")
VERSIONS = 4


def versions(registry: Registry) -> dict[int, LoadedModel]:
    """Four champions to be, each of which answers the same row differently."""
    for number in range(2, VERSIONS + 1):
        registry.register(credit(intercept=number / 3))
    return {number: registry.load(number) for number in range(1, VERSIONS + 1)}


async def asked(session: aiohttp.ClientSession, url: str, row: dict[str, Any]) -> tuple[int, Any]:
    async with session.post(f"{url}/predict", data=json.dumps(row)) as answer:
        return answer.status, json.loads(await answer.read())


async def stats(session: aiohttp.ClientSession, url: str, path: str = "/monitoring/stats") -> Any:
    async with session.get(f"{url}{path}") as answer:
        return json.loads(await answer.read())


async def swaps(registry: Registry, times: int) -> None:
    rng = random.Random(5)
    for _ in range(times):
        pointer = registry.pointer()
        if pointer.previous and rng.random() < 0.4:
            await asyncio.to_thread(registry.rollback, "test")
        else:
            others = [each for each in pointer.versions if each != pointer.champion]
            await asyncio.to_thread(registry.promote, rng.choice(others), "test")
        if rng.random() < 0.5:
            free = [each for each in pointer.versions if each != registry.champion()]
            await asyncio.to_thread(registry.set_challenger, rng.choice(free))
        await asyncio.sleep(0.06)


@pytest.mark.parametrize("requests", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_no_request_fails_while_champions_change_and_each_answer_is_stamped_by_who_gave_it(
    tmp_path: Path, requests: int
) -> None:
    registry = world(tmp_path)
    models = versions(registry)
    share, wrong, seen = requests // 8, [], set()

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        rng = random.Random(number)
        asked_for = 0
        while asked_for < share or not swapping.done():
            asked_for += 1
            row = {**CREDIT, "age": rng.randrange(18, 90)}
            status, answer = await asked(session, url, row)
            if status != 200 or models[answer["model_version"]].score_row(row) != (
                answer["prediction"],
                answer["probability"],
            ):
                wrong.append((status, answer))
            seen.add(answer.get("model_version"))
            await asyncio.sleep(0.01)

    with server(tmp_path) as (url, _):
        swapping = asyncio.create_task(swaps(registry, requests // 80))
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(client(session, number) for number in range(8)))
            await swapping
            told = await stats(session, url)
    assert wrong == []
    assert len(seen) > 1
    assert told["swaps"]["done"] > 2
    assert told["swaps"]["refused"] == 0

    read = predictions(Places(tmp_path), "credit")
    assert read.rows == told["requests"]["answered"] >= requests
    assert read.tally.torn == 0
    for row in range(read.rows):
        sent = {name: values[row] for name, values in read.features.items()}
        assert models[int(read.version[row])].score_row(sent)[1] == read.probability[row]
        if challenger := int(read.shadow_version[row]):
            assert models[challenger].score_row(sent)[1] == read.shadow_probability[row]
    assert (read.shadow_version > 0).any()


async def until(session: aiohttp.ClientSession, url: str, condition: Any, path: str = "/health") -> Any:
    for _ in range(200):
        found = await stats(session, url, path)
        if condition(found):
            return found
        await asyncio.sleep(0.05)
    pytest.fail(f"not reached; the last answer is {found}")


def point(registry: Registry, champion: int | None) -> None:
    """Name a champion as a writer does that does not look at its files."""
    path = registry.places.pointer("credit")
    pointer = read_pointer(OsDisk(), path)
    assert pointer is not None
    write_pointer(OsDisk(), path, replace(pointer, generation=pointer.generation + 1, champion=champion))


async def test_a_new_champion_that_is_damaged_is_refused_and_told_and_the_old_one_serves(
    tmp_path: Path,
) -> None:
    registry = world(tmp_path)
    versions(registry)
    file = Places(tmp_path).version("credit", 2) / "linear.json"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"2", b"3", 1))
    with server(tmp_path) as (url, _):
        async with aiohttp.ClientSession() as session:
            point(registry, 2)
            told = await until(session, url, lambda found: found["status"] == "degraded")
            assert told["model_version"] == 1
            assert "champion 2 was not taken" in told["detail"][0]
            assert "checksum" in told["detail"][0]
            assert (await asked(session, url, CREDIT))[1]["model_version"] == 1
            assert (await stats(session, url))["swaps"]["refused"] >= 1

            file.write_bytes(whole)  # repaired: the server takes it by itself
            told = await until(session, url, lambda found: found["model_version"] == 2)
            assert told["status"] == "ok"


async def test_a_new_champion_that_does_not_answer_a_plain_row_is_refused(tmp_path: Path) -> None:
    registry = world(tmp_path)
    good = credit().model
    numbers = tuple(type(field)(field.name, 10.0, field.nullable) for field in good.encoder.numbers)
    mute = LoadedModel(
        good.card, type(good.encoder)(numbers, ()), Linear((1e308, -1e308, 1e308, -1e308), 0.0, logistic=True)
    )
    registry.register(Made(mute))
    with server(tmp_path) as (url, _):
        async with aiohttp.ClientSession() as session:
            point(registry, 2)
            told = await until(session, url, lambda found: found["status"] == "degraded")
            assert told["model_version"] == 1
            assert "does not answer a plain row" in told["detail"][0]


async def test_the_challenger_scores_the_same_rows_after_they_were_answered(tmp_path: Path) -> None:
    registry = world(tmp_path)
    versions(registry)
    registry.set_challenger(3)
    with server(tmp_path) as (url, _):
        async with aiohttp.ClientSession() as session:
            for age in range(20, 60):
                assert (await asked(session, url, {**CREDIT, "age": age}))[0] == 200
            told = await until(
                session, url, lambda found: found["shadow"]["scored"] == 40, "/monitoring/stats"
            )
            assert told["shadow"]["model_version"] == 3
            assert (told["shadow"]["dropped"], told["shadow"]["failed"]) == (0, 0)
            assert 0.05 < told["shadow"]["mean_difference"] < 0.5
    read = predictions(Places(tmp_path), "credit")
    assert read.shadow_version.tolist() == [3] * 40
    assert (read.shadow_probability > read.probability).all()
