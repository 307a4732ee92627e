import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from config.monitoring import Serving
from mlops.places import Places
from mlops.predictions.reading import predictions
from mlops.serving.app import Service
from mlops.serving.predicting import Predict
from tests.fixtures.extra import needs
from tests.fixtures.served_models import CONFIG, CREDIT, ROOT, credit, server, world

needs("fastapi", "uvicorn")


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as answer:
        return answer.status, json.loads(await answer.read())


async def predict(session: aiohttp.ClientSession, url: str, model: str = "") -> tuple[int, Any]:
    path = f"/models/{model}/predict" if model else "/predict"
    async with session.post(f"{url}{path}", data=json.dumps(CREDIT)) as answer:
        return answer.status, json.loads(await answer.read())


async def test_without_a_champion_health_and_predict_say_what_to_do_until_there_is_one(
    tmp_path: Path,
) -> None:
    world(tmp_path)
    shutil.move(tmp_path / "models" / "credit", tmp_path / "aside")
    with server(tmp_path) as (url, _):
        async with aiohttp.ClientSession() as session:
            status, health = await get(session, f"{url}/health")
            assert (status, health["status"], health["model_version"]) == (503, "failing", None)
            status, answer = await predict(session, url)
            assert status == 503
            assert "no version has been trained yet" in answer["detail"]
            assert "scripts/train_model.py" in answer["detail"]
            assert (await get(session, f"{url}/model"))[0] == 503
            assert (await get(session, f"{url}/models/housing/health"))[0] == 200

            shutil.move(tmp_path / "aside", tmp_path / "models" / "credit")
            for _ in range(100):
                if (await predict(session, url))[0] == 200:
                    break
                await asyncio.sleep(0.05)
            assert (await get(session, f"{url}/health"))[0] == 200


async def test_a_damaged_champion_at_the_start_is_a_503_that_says_why(tmp_path: Path) -> None:
    world(tmp_path)
    damage = {
        "credit": ("linear.json", b"{}", "checksum"),
        "housing": ("manifest.json", b"not json", "manifest is damaged"),
        "rents": ("model.pkl", b"\x80\x04.", "model.pkl"),
    }
    for model, (file, data, _) in damage.items():
        (tmp_path / "models" / model / "versions" / "1" / file).write_bytes(data)
    with server(tmp_path) as (url, _):
        async with aiohttp.ClientSession() as session:
            for model, (_, _, why) in damage.items():
                status, health = await get(session, f"{url}/models/{model}/health")
                assert (status, health["status"]) == (503, "failing")
                assert why in health["detail"][0]
                assert why in (await predict(session, url, model))[1]["detail"]


async def test_a_disk_that_is_full_stops_no_answer_and_what_is_lost_is_told(tmp_path: Path) -> None:
    """The limit on a file's size fails a write in its middle, as a full disk does."""
    world(tmp_path)
    config = {**CONFIG, "serving": {"log_room": 50, "poll_s": 0.05}}
    (tmp_path / "config" / "monitoring_config.json").write_text(json.dumps(config))
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed")
    with server(tmp_path, prefix=("prlimit", "--fsize=10000")) as (url, _):
        async with aiohttp.ClientSession() as session:
            for _ in range(30):
                assert (await predict(session, url))[0] == 200
            await asyncio.sleep(0.2)
            for _ in range(150):
                assert (await predict(session, url))[0] == 200
            _, stats = await get(session, f"{url}/monitoring/stats")
            assert stats["log"]["written"] + stats["log"]["waiting"] + stats["log"]["lost"] == 180
            assert stats["log"]["lost"] > 0
            assert stats["log"]["waiting"] <= 50
            assert "File too large" in stats["log"]["problem"]
            await asyncio.sleep(1.0)  # the verdict is a second old at most
            status, health = await get(session, f"{url}/health")
            assert (status, health["status"]) == (200, "degraded")
            assert "predictions could not be logged and are lost" in " ".join(health["detail"])
    read = predictions(Places(tmp_path), "credit")
    assert read.rows == stats["log"]["written"]
    assert read.tally.torn <= 1


async def test_labels_that_are_not_on_disk_are_not_acknowledged(tmp_path: Path) -> None:
    world(tmp_path)
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed")
    label = {"prediction_id": "pred_20261120T214533123Z_00c0ffee01000001", "label": 1}
    with server(tmp_path, prefix=("prlimit", "--fsize=500")) as (url, _):
        async with aiohttp.ClientSession() as session:
            statuses = []
            for _ in range(10):
                async with session.post(f"{url}/labels", data=json.dumps(label)) as answer:
                    statuses.append(answer.status)
                    last = await answer.json()
    assert statuses[0] == 200
    assert statuses[-1] == 503
    assert "send them again" in last["detail"]


async def test_sigterm_answers_what_is_in_hand_writes_what_waits_and_ends_with_0(tmp_path: Path) -> None:
    world(tmp_path)
    answered, broken = [], []

    async def client(session: aiohttp.ClientSession, url: str) -> None:
        while True:
            try:
                status, answer = await predict(session, url)
            except aiohttp.ClientConnectorError:  # nobody listens any more
                return
            except aiohttp.ClientError as error:
                broken.append(error)
                return
            assert status == 200
            answered.append(answer["prediction_id"])

    with server(tmp_path) as (url, process):
        async with aiohttp.ClientSession() as session:
            clients = [asyncio.create_task(client(session, url)) for _ in range(8)]
            await asyncio.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            code = await asyncio.to_thread(process.wait, 10)
            assert (code, time.monotonic() - began < 10) == (0, True)
            await asyncio.gather(*clients)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert set(predictions(Places(tmp_path), "credit").ids) >= set(answered)
    assert len(answered) > 20


async def test_a_kill_costs_what_was_not_written_yet_and_tears_nothing(tmp_path: Path) -> None:
    world(tmp_path)
    answered: list[str]

    async def client(session: aiohttp.ClientSession, url: str) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                answered.append((await predict(session, url))[1]["prediction_id"])

    for _ in range(2):
        answered = []
        with server(tmp_path) as (url, process):
            async with aiohttp.ClientSession() as session:
                clients = [asyncio.create_task(client(session, url)) for _ in range(4)]
                await asyncio.sleep(0.4)
                seen = predictions(Places(tmp_path), "credit")
                process.kill()
                await asyncio.gather(*clients)
        read = predictions(Places(tmp_path), "credit")
        assert set(seen.ids) <= set(read.ids)
        assert (read.tally.torn, read.tally.doubled) == (0, 0)
        assert len(answered) > 4
        lost = set(answered) - set(read.ids)
        assert all(each < min(lost) for each in read.ids if lost)  # the newest only


async def test_what_waits_at_the_end_is_scored_by_the_challenger_and_written(tmp_path: Path) -> None:
    registry = world(tmp_path)
    registry.register(credit(intercept=1.0))
    registry.set_challenger(2)
    service = Service(Places(tmp_path), ["credit"], "credit", Serving())
    slot = service.slots["credit"]
    async with service.running():
        assert slot.champion is not None
        assert slot.challenger is not None
        predict = Predict(slot, service.shadowing, 1000)
        row, answer = predict.predict(slot.champion, json.dumps(CREDIT).encode())
        service.shadowing.offer(slot, slot.challenger, row, answer)
    read = predictions(Places(tmp_path), "credit")
    assert (read.ids, read.shadow_version.tolist()) == ([answer.prediction_id], [2])


async def test_the_last_lines_before_a_silence_are_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr("mlops.predictions.daily._sync", sync)
    monkeypatch.setattr("mlops.serving.keeping.SYNC_S", 0.3)
    world(tmp_path)
    service = Service(Places(tmp_path), ["credit"], "credit", Serving())
    slot = service.slots["credit"]
    predict = Predict(slot, service.shadowing, 1000)
    async with service.running():
        assert slot.champion is not None
        for _ in range(4):
            predict.predict(slot.champion, json.dumps(CREDIT).encode())
            await asyncio.sleep(0.1)
        [file] = Places(tmp_path).predictions("credit").iterdir()
        for _ in range(60):
            if not slot.log.waiting and not slot.log.unsynced:
                break
            await asyncio.sleep(0.05)
        assert synced[-1] == file.stat().st_size
        assert len(synced) < 4
        assert len(file.read_bytes().splitlines()) == 4


def run(*arguments: str, cwd: Path) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "scripts" / "serve_model.py"), *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_wrong_with_the_arguments_is_one_clear_line_and_a_2(tmp_path: Path) -> None:
    world(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, told = run("--port", str(port), cwd=tmp_path)
    assert (code, told) == (
        2,
        f"127.0.0.1:{port}: cannot listen: Address already in use; choose another --port or --host\n",
    )
    code, told = run("--model", "nobody", cwd=tmp_path)
    assert (code, told) == (2, "no model named 'nobody' is configured; known: credit, housing, rents\n")
    code, told = run("--root", "nowhere", cwd=tmp_path)
    assert (code, told) == (2, f"{tmp_path}/nowhere: no such folder; --root names a folder that is there\n")
    code, told = run("--config", "nowhere.json", cwd=tmp_path)
    assert (code, told) == (2, "nowhere.json: no such file\n")


def test_a_server_of_linear_models_imports_nothing_heavy(tmp_path: Path) -> None:
    world(tmp_path)
    program = """
import asyncio, sys
from pathlib import Path
from config.monitoring import Serving
from config.monitoring import Serving
from mlops.places import Places
from mlops.serving.app import Service, application
import mlops.serving.server, uvicorn
service = Service(Places(Path()), ["credit", "housing"], "credit", Serving())
application(service, "1")
service.watcher.look()
assert service.slots["credit"].champion and service.slots["housing"].champion
print(sorted({"mlflow", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost"} & set(sys.modules)))
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    assert (done.stdout, done.stderr) == ("['numpy']\n", "")
