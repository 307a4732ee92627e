"""Alerts of others in a whole daemon: whose they are, what becomes of them, and that each counts once over deaths."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.events import AlertReceived, FixStarted, IncidentClosed, IncidentOpened
from config.model import Config, HttpProbe
from config.on_render import Render
from dashboard.view import Alert, CommandRefusedError, OverloadedError
from scripts import alerts as module
from scripts.alerts import OWNER, DaemonAlerts
from tests.fixtures.monitor_kit import service
from tests.fixtures.render_api import ServicePlan, WorldPlan
from tests.fixtures.render_rig import RenderDaemon
from tests.fixtures.render_wire import render_in_memory
from tests.fixtures.virtual_daemon import VirtualDaemon


def fires(*names: str, key: str = "k", firing: bool = True, delivery: str = "") -> Alert:
    source: Any = "render" if delivery else "alertmanager"
    return Alert(source, "HighLatency", key, firing, "p95 is 3 s", names or ("api",), delivery)


class Receiver:
    """What the HTTP surface does with whatever life there is."""

    def __init__(self, virtual: VirtualDaemon) -> None:
        self.virtual = virtual
        self.heard: list[str] = []

    async def take(self, *alerts: Alert) -> int:
        assert self.virtual.daemon is not None
        return await DaemonAlerts(self.virtual.daemon, self._hear).receive(alerts)

    def _hear(self, remote_id: str) -> str:
        self.heard.append(remote_id)
        return {"srv-1": "api"}.get(remote_id, "")


def made() -> VirtualDaemon:
    return VirtualDaemon(Config(services=(service("api"), service("db"))))


async def test_an_alert_is_acted_upon_and_its_incident_ends() -> None:
    async with made() as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        assert await receiver.take(fires()) == 1
        assert await virtual.until(lambda: bool(virtual.facts(FixStarted, "api")), 10.0)
        assert await virtual.until(virtual.well, 120.0)
        [opened] = virtual.facts(IncidentOpened)
        assert opened.symptom == "alert"
        assert virtual.facts(IncidentClosed)[0].outcome == "healed"
        assert virtual.problems == []


async def test_repeats_cost_no_record_and_the_end_of_what_nobody_knew_neither() -> None:
    async with made() as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        assert await receiver.take(fires(key="other", firing=False)) == 0
        assert await receiver.take(fires("till"), fires("till", key="l")) == 2
        await asyncio.sleep(1.0)
        assert await receiver.take(fires("till"), fires("till", key="l")) == 0
        assert await receiver.take(fires("till", firing=False)) == 1
        await asyncio.sleep(1.0)
        assert {alert.service for alert in virtual.facts(AlertReceived)} == {""}
        assert virtual.facts(IncidentOpened) == []


@pytest.mark.parametrize("waits_s", [0.0, 1.0])
@pytest.mark.parametrize("power", [False, True])
async def test_a_signed_message_that_was_answered_counts_once_over_a_death(
    waits_s: float, power: bool
) -> None:
    async with made() as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        assert await receiver.take(fires("srv-1", delivery="m1")) == 1
        await asyncio.sleep(waits_s)
        virtual.kill(power=power)
        await virtual.start()
        for _ in range(3):
            await receiver.take(fires("srv-1", delivery="m1"))
            await asyncio.sleep(1.0)
        assert await virtual.until(virtual.well, 120.0)
        assert await receiver.take(fires("srv-1", delivery="m1")) == 0
        await asyncio.sleep(5.0)
        about = [opened for opened in virtual.facts(IncidentOpened, "api") if opened.symptom == "alert"]
        assert len({opened.id for opened in about}) == 1
        assert set(receiver.heard) == {"srv-1"}


async def test_a_service_is_known_by_its_name_and_by_where_it_alone_is_asked() -> None:
    places = {"api": "10.0.0.1:80", "db": "10.0.0.2:80", "one": "10.0.0.3:80", "two": "10.0.0.3:80"}
    probes = {
        name: HttpProbe(url=f"http://{place}/", interval_s=1, timeout_s=0.5) for name, place in places.items()
    }
    services = tuple(service(name, probe=probe) for name, probe in probes.items())
    async with VirtualDaemon(Config(services=services)) as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        told = [("nobody", "10.0.0.2:80"), ("10.0.0.3:80",), ("api", "10.0.0.2:80"), ()]
        await receiver.take(
            *(Alert("alertmanager", "A", f"k{n}", firing=True, names=names) for n, names in enumerate(told))
        )
        await asyncio.sleep(1.0)
        assert [alert.service for alert in virtual.facts(AlertReceived)] == ["db", "", "api", ""]


async def test_a_failure_that_the_watcher_of_render_sees_itself_only_makes_it_look() -> None:
    async with made() as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        failed = Alert("render", "server_failed", "k", firing=True, names=("srv-1", "api"), delivery="m1")
        assert await receiver.take(failed) == 0
        assert receiver.heard == ["srv-1"]
        assert await receiver.take(replace(failed, names=("srv-2", "api"))) == 1  # nobody looks there


async def test_news_of_render_make_its_watcher_look_at_once() -> None:
    api = render_in_memory(WorldPlan(services=[ServicePlan("shop")]))
    async with RenderDaemon(api, Config(render=Render(probe_interval_s=5.0))) as rig:
        await rig.until(rig.well, 60.0)
        await asyncio.sleep(90.0)
        assert rig.daemon is not None
        hear = rig.daemon.hands.hear
        [remote] = api.world.services.values()
        looks: list[float] = []
        send = rig.wire.send

        async def counted(method: str, path: str, *more: Any) -> Any:
            if remote.id in path:
                looks.append(rig.clock.now())
            return await send(method, path, *more)

        rig.wire.send = counted  # type: ignore[method-assign]
        assert await rig.until(lambda: bool(looks), 60.0)
        await asyncio.sleep(3.0)
        before = len(looks)
        assert hear("srv-nobody") == ""
        await asyncio.sleep(1.0)
        assert len(looks) == before  # while all is calm it looks seldom
        assert hear(remote.id) == "shop"
        await asyncio.sleep(1.0)
        assert len(looks) > before


async def test_what_cannot_be_taken_now_is_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with made() as virtual:
        receiver = Receiver(virtual)
        await virtual.until(virtual.well, 20.0)
        assert virtual.daemon is not None
        monkeypatch.setattr(module, "MOST_WAITING", -1)
        with pytest.raises(OverloadedError):
            await receiver.take(fires())
        virtual.daemon.ready.clear()
        with pytest.raises(CommandRefusedError):
            await receiver.take(fires())
        assert OWNER in virtual.daemon.runner.cells
