"""The messenger as the daemon loads it: on an ordinary loop, with its own way of opening, against another process."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from typing import Any

from platforms.telegram.messenger import TelegramMessenger
from platforms.telegram.port import Button, Ears, Press, Said


def test_the_library_is_loaded_only_when_the_messenger_runs() -> None:
    code = (
        "import sys, platforms.telegram.messenger; sys.exit(bool({'telegram', 'httpx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_tells_and_hears_across_processes() -> None:
    command = [sys.executable, "-m", "tests.fixtures.bot_api", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        told = json.loads(program.stdout.readline())
        try:
            heard = asyncio.run(tell_and_hear(told))
            calls = [call["method"] for call in get(told, "/calls")]
            violations = get(told, "/violations")
        finally:
            program.terminate()
    assert [press.data for press in heard if isinstance(press, Press)] == ["yes:1"]
    assert {"getMe", "deleteWebhook", "sendMessage", "answerCallbackQuery"} <= set(calls)
    assert violations == []


async def tell_and_hear(told: dict[str, Any]) -> list[Press | Said]:
    heard: list[Press | Said] = []
    pressed = asyncio.Event()

    async def hear(what: Press | Said) -> None:
        heard.append(what)
        messenger.answer(what.query_id if isinstance(what, Press) else "", "on it")
        pressed.set()

    shown = asyncio.Event()
    ears = Ears(heard=hear, told=lambda _key, _chat: shown.set())
    messenger = TelegramMessenger(told["token"], [told["chat_id"]], ears, base_url=told["base_url"])
    messenger.put("incident/1", "restart?", ((Button("Approve", "yes:1"),),))
    task = asyncio.create_task(messenger.run())
    async with asyncio.timeout(20):
        await shown.wait()
        await asyncio.to_thread(press, told)
        await pressed.wait()
    task.cancel()
    await asyncio.wait({task})
    return heard


def press(told: dict[str, Any]) -> None:
    body = json.dumps({"button": "Approve", "user": told["user_id"]}).encode()
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{told['port']}/people/press", body)
    ).close()


def get(told: dict[str, Any], path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{told['port']}{path}") as answer:
        return json.load(answer)
