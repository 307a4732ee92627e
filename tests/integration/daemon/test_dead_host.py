"""Fifty services behind one dead host: people get one message, and nothing is done to those that are well."""

import asyncio

from agents.events import FixStarted, IncidentOpened
from config.model import Config
from scripts.commands import DaemonCommands
from scripts.daemon import Daemon
from scripts.people import DaemonPeople
from tests.fixtures.chat import Chat
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script

NAMES = tuple(f"s{n:02}" for n in range(50))


def watched(config: Config, scripts: dict[str, Script] | None = None) -> tuple[VirtualDaemon, Chat]:
    chat, virtual = Chat(), VirtualDaemon(config, scripts)

    def meet(daemon: Daemon) -> None:
        daemon.hands.contacts.people = DaemonPeople(daemon, DaemonCommands(daemon))
        daemon.hands.contacts.messenger = chat.open

    virtual.meet = meet
    return virtual, chat


async def test_a_host_that_we_cannot_reach_is_one_message_and_no_act() -> None:
    virtual, chat = watched(Config(services=tuple(service(name) for name in NAMES)))
    async with virtual:
        assert await virtual.until(virtual.well, 30.0)
        before = len(virtual.world.effects)
        virtual.faults.cut_network(*NAMES)
        await asyncio.sleep(120.0)
        assert len({fact.service for fact in virtual.facts(IncidentOpened)}) == len(NAMES)
        assert [effect for effect in virtual.world.effects[before:] if effect.kind != "fault"] == []
        assert (len(chat.standing), chat.sent) == (1, 1)
        virtual.faults.cut_network()
        assert await virtual.until(virtual.well, 120.0)
        await asyncio.sleep(10.0)
        [message] = chat.standing.values()
        assert "all is over" in message.text
        assert virtual.facts(FixStarted) == []


async def test_who_needs_the_dead_one_is_told_with_it_and_left_alone() -> None:
    needing = tuple(service(name, depends_on=("db",)) for name in NAMES)
    scripts = {name: Script(calls=("db",)) for name in NAMES}
    virtual, chat = watched(Config(services=(service("db"), *needing)), scripts)
    async with virtual:
        assert await virtual.until(virtual.well, 60.0)
        started = virtual.world.count("started")
        virtual.faults.hang("db")
        assert await virtual.until(lambda: bool(virtual.facts(IncidentOpened)), 20.0)
        assert await virtual.until(virtual.well, 120.0)
        await asyncio.sleep(10.0)
        assert virtual.world.count("started") == started + 1
        assert {fact.service for fact in virtual.facts(FixStarted) if fact.fix != "wait"} == {"db"}
        [message] = chat.standing.values()
        assert (message.text.startswith("<b>db</b>"), chat.sent) == (True, 1)
