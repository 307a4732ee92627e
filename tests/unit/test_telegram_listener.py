"""Hearing: order, confirmation, conflicts, and who is admitted."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from platforms.telegram.failures import FailureError
from platforms.telegram.gate import Gate, Once
from platforms.telegram.hearing import Moved, meaning
from platforms.telegram.listener import Listener
from platforms.telegram.port import Press, Said, Trouble


def update(number: int, text: str | None, **more: Any) -> Any:
    who = SimpleNamespace(id=7, username="ann", full_name="Ann")
    message = SimpleNamespace(
        chat=SimpleNamespace(id=7), message_id=number, from_user=who, text=text, reply_to_message=None,
        migrate_to_chat_id=None,
    )  # fmt: skip
    vars(message).update(more)
    return SimpleNamespace(update_id=number, callback_query=None, message=message)


class Telegram:
    """Keeps updates until they are confirmed, and fails as it is told."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.failures: list[FailureError] = []
        self.polls: list[tuple[float, int]] = []
        self.poll_s = 25.0

    async def name(self) -> str:
        self._fail()
        return "our_bot"

    async def listen_by_polling(self, commands: Sequence[tuple[str, str]]) -> None: ...

    async def updates(self, offset: int, *, wait: bool = True) -> Any:
        self.polls.append((asyncio.get_running_loop().time(), offset))
        self._fail()
        self.waiting = [each for each in self.waiting if each.update_id >= offset]
        if not self.waiting and wait:
            await asyncio.sleep(self.poll_s)
        return tuple(self.waiting)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


class Bench:
    def __init__(self) -> None:
        self.telegram = Telegram()
        self.heard: list[Any] = []
        self.troubles: list[Trouble] = []
        self.fails = False
        now = asyncio.get_running_loop().time
        self.listener = Listener(self._hear, self.troubles.append, now, jitter=lambda: 1.0)

    async def _hear(self, what: Press | Said | Moved) -> None:
        self.heard.append(what)
        if self.fails:
            raise KeyError("a secret")

    async def run(self, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                await self.listener.run(self.telegram)
        except TimeoutError:
            pass

    @property
    def texts(self) -> list[str]:
        return [said.text for said in self.heard]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_what_is_said_is_heard_in_order_and_confirmed_afterwards(bench: Bench) -> None:
    bench.telegram.waiting = [update(5, "/a"), update(6, "/b")]
    await bench.run(10)
    assert bench.texts == ["/a", "/b"]
    assert [offset for _, offset in bench.telegram.polls] == [0, 7]


async def test_what_was_not_handled_to_its_end_comes_again_after_a_restart(bench: Bench) -> None:
    bench.telegram.waiting = [update(5, "/a"), update(6, "/b")]

    async def hang(_: Any) -> None:
        await asyncio.sleep(5)

    bench.listener._heard = hang
    await bench.run(7)
    await bench.listener.confirm(bench.telegram)
    again = Bench()
    again.telegram.waiting = bench.telegram.waiting
    await again.run(1)
    assert again.texts == ["/b"]


async def test_the_same_update_is_not_handled_twice_in_one_life(bench: Bench) -> None:
    bench.telegram.waiting = [update(5, "/a")]
    bench.telegram.failures = [FailureError("network", "")] * 2
    await bench.run(3)
    bench.telegram.waiting = [update(5, "/a"), update(6, "/b")]
    bench.telegram.poll_s = 0.5
    await bench.run(10)
    assert bench.texts == ["/a", "/b"]


async def test_what_comes_again_though_it_was_confirmed_is_left(bench: Bench) -> None:
    async def forgetful(offset: int, *, wait: bool = True) -> Any:
        await asyncio.sleep(1)
        return (update(5, "/a"), update(6, "/b"))

    bench.telegram.updates = forgetful  # type: ignore[method-assign]  # a server that forgets what it was told
    await bench.run(10)
    assert bench.texts == ["/a", "/b"]


async def test_at_the_end_what_was_handled_is_confirmed_once(bench: Bench) -> None:
    bench.telegram.waiting = [update(5, "/a")]
    bench.telegram.poll_s = 0.0
    await bench.run(0.5)
    before = len(bench.telegram.polls)
    bench.listener._confirmed = 0
    await bench.listener.confirm(bench.telegram)
    await bench.listener.confirm(bench.telegram)
    assert bench.telegram.polls[before:] == [(0.5, 6)]


async def test_a_handler_that_fails_makes_nobody_deaf_and_its_words_stay_inside(bench: Bench) -> None:
    bench.fails = True
    bench.telegram.waiting = [update(5, "/a"), update(6, "/b")]
    await bench.run(10)
    assert bench.texts == ["/a", "/b"]
    assert bench.troubles == [Trouble("handler", "a said could not be handled: KeyError")] * 2


async def test_a_handler_that_hangs_is_left_after_a_while(bench: Bench) -> None:
    bench.telegram.waiting = [update(5, "/a"), update(6, "/b")]

    async def hang(what: Said) -> None:
        bench.heard.append(what)
        await asyncio.sleep(3600)

    bench.listener._heard = hang  # type: ignore[assignment]  # it hears what is said only
    await bench.run(50)
    assert bench.texts == ["/a", "/b"]


async def test_a_conflict_is_told_and_the_other_gets_its_turn(bench: Bench) -> None:
    bench.telegram.failures = []
    bench.telegram.waiting = [update(5, "/a")]
    bench.listener._bot_name = "our_bot"
    bench.telegram.failures = [FailureError("conflict", "terminated by other getUpdates request")] * 2
    await bench.run(15)
    assert [at for at, _ in bench.telegram.polls] == [0, 10]
    assert bench.troubles[0].kind == "conflict"
    assert bench.listener.deaf_since == 0
    await bench.run(25)
    assert bench.texts == ["/a"]
    assert bench.listener.deaf_since is None


async def test_deafness_is_dated_from_its_beginning(bench: Bench) -> None:
    bench.listener._bot_name = "our_bot"
    bench.telegram.failures = [FailureError("network", "no route")] * 5
    await bench.run(10)
    assert (bench.listener.deaf_since, bench.listener.problem) == (0, "no route")
    assert [at for at, _ in bench.telegram.polls] == [0, 1, 3, 7]


async def test_a_refused_token_is_told_and_tried_again_seldom(bench: Bench) -> None:
    bench.telegram.failures = [FailureError("token", "Telegram does not accept the token")] * 3
    await bench.run(120)
    assert {trouble.kind for trouble in bench.troubles} == {"token"}
    assert bench.telegram.polls[0][0] == 90


async def test_empty_polls_that_end_at_once_are_no_busy_loop(bench: Bench) -> None:
    bench.telegram.poll_s = 0.0
    await bench.run(60)
    assert len(bench.telegram.polls) <= 61


# --- what an update means --------------------------------------------------------------------------------------------


def test_a_command_for_another_bot_is_nothing_to_us() -> None:
    assert meaning(update(1, "/status@other_bot"), "our_bot") is None
    assert meaning(update(1, "/status@Our_Bot"), "our_bot") == Said("/status@Our_Bot", 7, "@ann", 7, 1)


def test_what_nobody_said_is_nothing() -> None:
    assert meaning(update(1, "x", from_user=None), "our_bot") is None
    assert meaning(update(1, None), "our_bot") is None


def test_a_group_that_moved_says_so() -> None:
    assert meaning(update(1, "", migrate_to_chat_id=-1050), "our_bot") == Moved(7, -1050)


def test_a_press_without_a_message_is_in_nobodys_chat() -> None:
    who = SimpleNamespace(id=7, username="", full_name="x" * 200)
    query = SimpleNamespace(id="9", from_user=who, data=None, message=None)
    press = meaning(SimpleNamespace(callback_query=query), "our_bot")  # type: ignore[arg-type]  # the library's own has 30 fields
    assert press == Press("9", "", 7, "x" * 64, 0, 0)


# --- the gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chats", "users", "chat", "user", "admitted"),
    [
        ([7], [], 7, 7, True),
        ([7], [], 7, 8, False),
        ([7], [], 8, 8, False),
        ([-50], [], -50, 7, False),  # in a group anybody can press, and nobody was named
        ([-50, 7], [], -50, 7, True),
        ([-50], [7], -50, 7, True),
        ([-50], [7], -50, 8, False),
        ([-50], [7], 7, 7, False),
        ([7], [8], 7, 7, False),
    ],
)
def test_both_the_chat_and_the_person_must_be_allowed(
    chats: list[int], users: list[int], chat: int, user: int, admitted: bool
) -> None:
    gate = Gate(chats, users)
    assert gate.admits(Press("q", "d", user, "x", chat, 1)) is admitted
    assert gate.admits(Said("/pause", user, "x", chat, 1)) is admitted


def test_repetitions_are_held_back_for_a_while_and_memory_is_bounded() -> None:
    once = Once(600, most=2)
    assert [once.first("a", at) for at in (0, 599, 600, 601)] == [True, False, True, False]
    assert [once.first(what, 700) for what in "bcd"] == [True] * 3
    assert once.first("a", 701)
