"""Thousands of presses, double, stale, foreign and over deaths of the daemon: no act twice, no word that is not true."""

import asyncio
from collections import Counter
from random import Random

import pytest

from agents.events import FixStarted, IncidentClosed, IncidentOpened
from config.model import Approvals, Approver, Config
from platforms.telegram.port import Press
from scripts.commands import DaemonCommands
from scripts.daemon import Daemon
from scripts.people import DaemonPeople
from tests.fixtures.chat import CHAT, Chat
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

ANN, BOB, FOREIGN = 7, 8, 9
NAMES = ("db", "api", "web", "job")
FLEET = Config(
    services=tuple(service(name, autonomy="suggest") for name in NAMES),
    approvals=Approvals(
        expires_s=45.0,
        approvers=(Approver(name="ann", telegram_id=ANN), Approver(name="bob", telegram_id=BOB)),
    ),
)


class Presser:
    """Presses what was ever shown, and what never was."""

    def __init__(self, virtual: VirtualDaemon, chat: Chat, seed: int) -> None:
        self.random = Random(seed)
        self.virtual, self.chat = virtual, chat
        self.seen: dict[str, None] = {}
        self.pressed: dict[str, Press] = {}

    def press(self) -> None:
        for button in self.chat.buttons():
            self.seen[button.data] = None
        random = self.random
        shown = [button.data for button in self.chat.buttons()]
        known = list(self.seen)[-60:]
        if not known:
            return
        data = random.choice(shown if shown and random.random() < 0.4 else known)
        if data[0] in "ds" and random.random() < 0.7:  # a no ends it for the whole incident
            data = f"a:{data[2:]}"
        if (
            random.random() < 0.2 and data[0] != "w"
        ):  # another verb for the same id; that of an incident has one
            data = f"{random.choice('adsuwx')}:{data[2:]}"
        user = random.choices((ANN, BOB, FOREIGN), (5, 3, 2))[0]
        for _ in range(random.choices((1, 2, 3), (6, 3, 1))[0]):
            query = f"q{len(self.pressed)}"
            self.pressed[query] = Press(query, data, user, "@somebody", CHAT, 1)
            self.chat.send(self.pressed[query])
            if random.random() < 0.05:
                self.chat.send(self.pressed[query])  # as after a crash: the very same comes twice

    async def disturb(self) -> None:
        """Faults, deaths and time."""
        random, virtual = self.random, self.virtual
        if random.random() < 0.2:
            name = random.choice(NAMES)
            if (leader := virtual.world.leader(name)) is not None and random.random() < 0.5:
                leader.hung = False  # it passes by itself
            elif leader is not None and not leader.hung:
                virtual.faults.hang(name)
        if random.random() < 0.03:
            virtual.kill()
            await asyncio.sleep(random.random() * 5.0)
            await virtual.start()
        await asyncio.sleep(random.choice((0.0, 0.05, 0.5, 2.0, 5.0)))

    async def settled(self) -> bool:
        return await self.virtual.until(lambda: not self.chat.pending, 600.0)


def problems(virtual: VirtualDaemon, chat: Chat, presser: Presser) -> list[str]:
    assert virtual.daemon is not None
    records = {record.position: record for record in virtual.daemon.journal.read(0)} | virtual.promised
    kept = [fact for _, record in sorted(records.items()) for fact in record.results]
    started = [fact for fact in kept if isinstance(fact, FixStarted) and fact.fix != "wait"]
    acts = Counter(fact.approval for fact in started)
    effects = Counter(effect.mark for effect in virtual.world.effects if effect.kind == "started")
    found = [f"{fact.fix} of {fact.service} without a word" for fact in started if not fact.approval]
    found += [f"question {ask} started {n} acts" for ask, n in acts.items() if n > 1]
    found += [f"act {mark} started {n} processes" for mark, n in effects.items() if n > 1]
    said: Counter[str] = Counter()
    willing: set[str] = set()
    for query, press in presser.pressed.items():
        text, alert = chat.answers[query]
        if press.user_id != FOREIGN and press.data.startswith("a:"):
            willing.add(press.data[2:])
        if alert or not text:
            continue
        if press.user_id == FOREIGN:
            found.append(f"a stranger heard: {text}")
        if text.endswith(" started"):
            said[press.data[2:]] += 1
    found += [f"{n} people heard that {ask} was started" for ask, n in said.items() if n > 1]
    found += [f"it was said that {ask} was started, and it was not" for ask in said if acts[ask] != 1]
    found += [f"{ask} was started, and nobody wanted it" for ask in acts if ask not in willing]
    ended = {fact.incident for fact in kept if isinstance(fact, IncidentClosed)}
    opened = {fact.incident for fact in kept if isinstance(fact, IncidentOpened)}
    for message in chat.of("incident/"):
        incident = message.key.removeprefix("incident/")
        if ("healed after" in message.text) and incident not in ended:
            found.append(f"{incident} is told as healed, and is not")
        if incident not in opened:
            found.append(f"{incident} is told, and never was")
    return found


@pytest.mark.unmeasured
@pytest.mark.parametrize("presses", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.timeout(1200)
async def test_no_press_makes_an_act_twice_or_a_word_untrue(presses: int) -> None:
    chat, virtual = Chat(), VirtualDaemon(FLEET, seed=presses, snapshot_s=20.0)

    def meet(daemon: Daemon) -> None:
        daemon.hands.contacts.people = DaemonPeople(daemon, DaemonCommands(daemon))
        daemon.hands.contacts.messenger = chat.open

    virtual.meet = meet
    async with virtual:
        await virtual.until(virtual.well, 20.0)
        presser = Presser(virtual, chat, seed=presses)
        while len(presser.pressed) < presses:
            presser.press()
            await presser.disturb()
        assert await presser.settled()
        await asyncio.sleep(5.0)
        assert problems(virtual, chat, presser) == []
        acts = [fact for fact in virtual.facts(FixStarted) if fact.approval]
        assert len(acts) > presses / 50, "it was worth the while"
        assert virtual.problems == []
