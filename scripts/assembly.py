"""Puts a real daemon together: real hands, its lock, its page, its socket, its files for people."""

import asyncio
import contextlib
import importlib
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from agents.events import LeaseChanged, OperatorCommanded
from agents.supervisor import Child, Restart
from config.chaos import why_no_chaos
from config.model import ExecPlatform, HttpPlatform
from config.on_model import ModelPlatform
from config.on_render import RenderPlatform
from config.settings import Settings
from config.world import World
from dashboard.people_files import PeopleFiles
from dashboard.view import Desk
from mlops.at_work import WorkerModels
from platforms.chaos.cuts import Cuts
from platforms.chaos.troubled_disk import TroubledDisk
from platforms.exec import Units
from platforms.files import FileKeeper
from platforms.http import WatchOnly
from platforms.lease import Lease
from platforms.lease_postgres import PostgresLease
from platforms.metrics import Metrics
from platforms.platform import Infrastructure, Platform
from platforms.postgres.databases import PostgresDatabases
from platforms.probes import Probes
from platforms.process import ProcessPlatform
from platforms.router import Router
from scripts import diary
from scripts.alerts import DaemonAlerts
from scripts.behind import Behind
from scripts.commands import DaemonCommands, Socket
from scripts.contacts import reach_people
from scripts.control import ControlServer
from scripts.daemon import Daemon
from scripts.disk_probe import DiskProbe
from scripts.drill import Drill
from scripts.fire_drill import FireDrill
from scripts.goodness import Goodness
from scripts.hands import Hands
from scripts.heartbeat import Heartbeat, Pulse
from scripts.insides import DaemonInsides, ill
from scripts.inspection import CLOCK, inspect
from scripts.language import language_model
from scripts.observer import Observer
from scripts.on_render import Discovery, OnRender, newest_instance
from scripts.people import DaemonPeople
from scripts.team import Member
from scripts.views import DaemonView
from utils.clock import Clock, open_clock, rfc3339
from utils.damage import Damage
from utils.disk import Disk, OsDisk, ThreadOffload, replace_file
from utils.freeze_guard import FreezeGuard
from utils.in_hand import InHand
from utils.sealed import sealed
from utils.state_files import write_document
from utils.state_lock import StateLock
from utils.systemd import Systemd
from utils.tracing import Exporter
from utils.workers import ProcessWorkers

PAUSE_FILE = "PAUSE"
PAUSE_LOOK_S = 0.5
REMEMBER_RECORDS = 20_000  # of earlier lives
SHOWN_RECORDS = 300  # of these, in the timeline


@contextlib.asynccontextmanager
async def assembled(world: World, settings: Settings, desk: Desk, only: str = "") -> AsyncIterator[Daemon]:
    """A restored daemon, ready to `run`. Raises FolderInUseError where another one holds the state folder."""
    with StateLock(world.state_dir):
        damage = inspect(OsDisk(), world.state_dir)
        page = InHand(world.state_dir / "in_hand")
        if page.problem:
            damage.append(Damage(str(world.state_dir / "in_hand"), page.problem))
        offload = ThreadOffload()
        cuts = Cuts() if settings.chaos_enabled else None
        render = OnRender(settings, cuts=cuts) if settings.render_api_key else None
        hands = _real_hands(world, offload, render, troubled=cuts is not None)
        world.no_chaos = lambda: why_no_chaos(settings, world.config, os.environ)
        hands.language_model = language_model(world.config.llm, settings)
        world.prevention_s = settings.prevention_interval
        world.retrain_s = settings.ml_retrain_interval
        discovery = (
            Discovery(render, hands.disk, world.state_dir) if render and settings.render_mode else None
        )
        if discovery is not None:
            world.config = await discovery.first(world.config)
        daemon = Daemon(world, hands, page, _tell, only)
        if cuts is not None and isinstance(hands.disk, TroubledDisk):
            hands.insides = DaemonInsides(daemon, hands.disk, cuts)
            hands.ill = partial(ill, daemon)
        if discovery is not None:
            daemon.completed = discovery.merge
            daemon.extras.append(discovery.child(daemon))
        daemon.found_damaged = damage
        observer = _observe(daemon, settings)
        watchers = Behind(observer.record, diary.write)
        daemon.runner.listeners.append(watchers.record)
        await daemon.restore()
        view = DaemonView(daemon, observer)
        daemon.runner.listeners.append(view.reports.record)
        commands = DaemonCommands(daemon)
        reach_people(hands.contacts, settings, DaemonPeople(daemon, commands), observer.curves, cuts)
        daemon.extras += _extras(daemon, view, commands, settings, render, alone=bool(only))
        desk.view, desk.commands = view, commands
        if not only:
            desk.alerts = DaemonAlerts(daemon, hands.hear)
        try:
            yield daemon
        finally:
            watchers.catch_up()
            observer.stream.close()
            daemon.journal.close()
            await hands.platform.close()
            await hands.close()
            page.close()
            offload.close()


def _tell(line: str) -> None:
    """The journal has it too: who can be told no more, as the terminal is gone, is told nothing."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def _real_hands(
    world: World, offload: ThreadOffload, render: OnRender | None, *, troubled: bool = False
) -> Hands:
    disk: Disk = TroubledDisk(OsDisk()) if troubled else OsDisk()

    def clock(last_at: float) -> Clock:
        path = world.state_dir / CLOCK
        steady, offset = open_clock(path, last_at)
        with contextlib.suppress(OSError):  # a full disk must not keep us from starting
            replace_file(disk, path, sealed(offset))
        return steady

    own, units = ProcessPlatform(world.state_dir), Units(world.state_dir)
    others: dict[type, Platform] = {
        ExecPlatform: units,
        HttpPlatform: WatchOnly(),
        ModelPlatform: WatchOnly(),
    }
    others[RenderPlatform] = render.watcher if render is not None else WatchOnly()
    reached: dict[type, Infrastructure] = {ExecPlatform: units}
    watchers: dict[str, Callable[[], Awaitable[None]]] = {"units": units.run}
    if render is not None:
        reached[RenderPlatform], watchers["render"] = render.hands, render.watcher.run
    workers = ProcessWorkers()
    metrics = Metrics(render.figures.measured if render is not None else None)
    return Hands(
        disk=disk,
        offload=offload,
        platform=Router(own, others, world.config.services),
        prober=render.prober(Probes()) if render is not None else Probes(),
        scraper=metrics,
        files=FileKeeper(world.state_dir),
        databases=PostgresDatabases(world.state_dir, time.time),
        models=WorkerModels(workers, lambda: world.config),
        workers=workers,
        open_clock=clock,
        reach=lambda service: reached.get(type(service.platform)),
        watchers=watchers,
        close=metrics.close,
        ailing={"prometheus": metrics.ailing}
        | ({"render": render.watcher.ailing} if render is not None else {}),
        boots=own.boots,
        hear=render.watcher.hear if render is not None else lambda _: "",
    )


def _observe(daemon: Daemon, settings: Settings) -> Observer:
    def text(at: float) -> str:
        return rfc3339(daemon.clock.wall(at))

    endpoint = settings.otel_exporter_otlp_endpoint
    exporter = Exporter(endpoint, "nightwarden") if endpoint else None
    observer = Observer(text, daemon.clock.wall, exporter)
    after = max(daemon.journal.position - REMEMBER_RECORDS, daemon.journal.first - 1)
    for record in daemon.journal.read(after):
        observer.record(record, live=False, shown=record.position > daemon.journal.position - SHOWN_RECORDS)
    daemon.add(Member("observer", lambda: observer, optional=True))
    if exporter is not None:
        daemon.extras.append(Child(name="traces", start=exporter.run))
    return observer


def _extras(
    daemon: Daemon,
    view: DaemonView,
    commands: DaemonCommands,
    settings: Settings,
    render: OnRender | None,
    *,
    alone: bool,
) -> list[Child]:
    state_dir = daemon.world.state_dir

    write = partial(write_document, daemon.hands.disk)
    people = PeopleFiles(view, state_dir, write, lambda: view.text(daemon.clock.now()))
    control = ControlServer(state_dir, Socket(daemon, view, commands).handlers())

    async def pause_file() -> None:
        await _follow_pause_file(daemon, view, state_dir / PAUSE_FILE)

    extras = [
        Child(name="files_for_people", start=people.run),
        Child(name="control", start=control.run),
        Child(name="reports", start=view.reports.run),
        *_signs_of_life(daemon, settings),
        *_lease(daemon, settings, render),
        Child(name="pause_file", start=pause_file),
    ]
    if settings.nightwarden_dashboard_url:
        extras.append(Child(name="feed", start=lambda: _feed(view, commands, settings)))
    extras += [Child(name=name, start=run) for name, run in daemon.hands.watchers.items()]
    if daemon.world.config.services:
        extras.append(Child(name="numpy", start=_import_numpy, restart=Restart.TEMPORARY))
    if sys.stdout.isatty() or alone:  # one agent alone has no notifier to tell what happens
        extras.append(Child(name="terminal", start=lambda: _terminal(view)))
    return extras


def _lease(daemon: Daemon, settings: Settings, render: OnRender | None) -> list[Child]:
    """Where several daemons share a database, one of them acts; on Render without one, the newest instance."""
    if not settings.nightwarden_database_url:
        return newest_instance(daemon, render)
    holder = (
        f"{os.environ.get('RENDER_INSTANCE_ID') or socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    )

    def changed(held: bool, token: int, taken: bool) -> None:
        told = LeaseChanged(held=held, token=token, why=lease.why_not(), taken=taken)
        daemon.runner.say("operator", [told])

    lease = Lease(PostgresLease(settings.nightwarden_database_url), holder, changed)
    daemon.world.lease = lease.why_not
    return [Child(name="lease", start=lease.run, shutdown_s=5)]


def _signs_of_life(daemon: Daemon, settings: Settings) -> list[Child]:
    drill = Drill(daemon)
    hands = daemon.hands
    probe = DiskProbe(hands.disk, hands.offload, daemon.world.state_dir)
    outer = {"telegram": hands.contacts.why_nobody, "the state folder": lambda: probe.problem}
    goodness = Goodness(daemon, drill, {**hands.ailing, **outer})
    guard = FreezeGuard(daemon.world.state_dir / "frozen.txt")
    signs = [
        Child(name="drill", start=drill.run),
        Child(name="fire_drill", start=FireDrill(daemon).run),
        Child(name="disk_probe", start=probe.run),
        Child(name="pulse", start=Pulse(daemon, goodness, guard, Systemd()).run),
    ]
    if settings.heartbeat_url:
        signs.append(Child(name="heartbeat", start=Heartbeat(settings.heartbeat_url, goodness).run))
    return signs


async def _feed(view: DaemonView, commands: DaemonCommands, settings: Settings) -> None:
    from scripts.feeding import feed

    await feed(view, commands, settings)


async def _import_numpy() -> None:
    """Away from the loop, before the first samples are scored: the import takes 0.1 s."""
    await asyncio.to_thread(importlib.import_module, "analysis.robust")


async def _terminal(view: DaemonView) -> None:
    from dashboard.terminal import show

    await show(view, sys.stdout)


async def _follow_pause_file(daemon: Daemon, view: DaemonView, path: Path) -> None:
    """The switch outside of the daemon: while the file is there, nothing acts."""
    by = f"file {PAUSE_FILE}"
    there = by in view.gate.state.paused.values()
    while True:
        now = os.path.exists(path)  # noqa: ASYNC240, PTH110 - one stat of a local file
        if now != there:
            there = now
            daemon.runner.say("operator", [OperatorCommanded(command="pause" if now else "resume", by=by)])
        await asyncio.sleep(PAUSE_LOOK_S)
