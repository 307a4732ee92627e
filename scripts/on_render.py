"""What the daemon needs where services run on Render: the watcher, the hands, and the list of what is there."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from agents.events import LeaseChanged
from agents.supervisor import Child
from config.loader import of_render
from config.model import Config, Service
from config.on_render import RenderPlatform
from config.settings import Settings
from platforms.chaos.cuts import Cuts, CuttableRender
from platforms.lease_instances import NewestInstance
from platforms.platform import Prober
from platforms.render.api import RenderApi
from platforms.render.client import RenderClient
from platforms.render.discovery import discover
from platforms.render.failures import RenderError
from platforms.render.hands import RenderHands
from platforms.render.metrics import RenderFigures
from platforms.render.prober import LooksAtRender
from platforms.render.shapes import Instance
from platforms.render.watcher import RenderWatcher
from platforms.render.wire import HttpWire, Wire
from scripts.daemon import Daemon
from utils.disk import Disk, replace_file
from utils.structured_logger import get_logger

log = get_logger("render")
FIRST_S = 20.0
LIST_S = 4.0
AGAIN_S = 30.0  # after a list that could not be had
KNOWN = "render_services.json"


class OnRender:
    """One for each process life."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] | None = None,
        wire: Wire | None = None,
        wall: Callable[[], float] = time.time,
        cuts: Cuts | None = None,
    ) -> None:
        self._own_id = (os.environ if environ is None else environ).get("RENDER_SERVICE_ID", "")
        if wire is None:
            address = settings.render_api_url, settings.render_api_key.reveal()
            wire = CuttableRender(*address, cuts) if cuts is not None else HttpWire(*address)
        self.api = RenderApi(RenderClient(wire, wall))
        self.watcher = RenderWatcher(self.api, wall)
        self.figures = RenderFigures(self.api, self.watcher, wall)
        self.hands = RenderHands(self.api, self.watcher, self._own_id)

    def prober(self, prober: Prober) -> Prober:
        return LooksAtRender(prober, self.watcher)

    async def find(self, config: Config) -> list[Service]:
        return await discover(self.api, config.render, self._own_id)

    def merged(self, declared: Config, found: list[Service]) -> Config:
        """What is declared wins, by name and by id."""
        names = {service.name.casefold() for service in declared.services}
        ids = {s.platform.id for s in declared.services if isinstance(s.platform, RenderPlatform)}
        more = [
            of_render(service, declared.render, self._own_id)
            for service in found
            if service.name.casefold() not in names and getattr(service.platform, "id", "") not in ids
        ]
        return structs.replace(declared, services=(*declared.services, *more))


class Known(Struct):
    """What was found last: Render may be away when we start again."""

    version: int = 1
    services: tuple[Service, ...] = ()


class Discovery:
    """Adds what is found on Render to what is declared, at the start and every few minutes."""

    def __init__(self, render: OnRender, disk: Disk, state_dir: Path) -> None:
        self._render = render
        self._disk = disk
        self._file = state_dir / KNOWN
        self._found: list[Service] = self._read()
        self._declared = Config()

    def merge(self, declared: Config) -> Config:
        self._declared = declared
        return self._render.merged(declared, self._found)

    async def first(self, declared: Config) -> Config:
        """Never for long: where Render is away, what was found last has to do."""
        self._declared = declared
        await self._look(FIRST_S)
        return self.merge(declared)

    def child(self, daemon: Daemon) -> Child:
        async def run() -> None:
            pause_s = daemon.world.config.render.discover_s
            while True:
                await asyncio.sleep(pause_s)
                if ok := await self._look(FIRST_S):
                    daemon.reload(self._declared)
                pause_s = daemon.world.config.render.discover_s if ok else AGAIN_S

        return Child(name="render_discovery", start=run)

    async def _look(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                self._found = await self._render.find(self._declared)
        except (RenderError, TimeoutError) as error:
            log.warning("render_not_listed", error=str(error) or "no answer", known=len(self._found))
            return False
        self._write()
        return True

    def _read(self) -> list[Service]:
        try:
            return list(msgspec.json.decode(self._file.read_bytes(), type=Known).services)
        except (OSError, msgspec.DecodeError):  # a list that Render gives anew
            return []

    def _write(self) -> None:
        try:
            replace_file(self._disk, self._file, msgspec.json.encode(Known(services=tuple(self._found))))
        except OSError as error:
            log.warning("render_list_not_saved", error=str(error))


def newest_instance(daemon: Daemon, render: OnRender | None) -> list[Child]:
    """On Render, without a disk, which is attached to one instance only: another one may run beside us for a while."""
    service, own = os.environ.get("RENDER_SERVICE_ID", ""), os.environ.get("RENDER_INSTANCE_ID", "")
    if render is None or not service or not own or has_disk(daemon.world.state_dir):
        return []
    api = render.api

    async def listed() -> list[Instance]:
        try:
            return await api.instances(service, urgent=True, within_s=LIST_S)
        except RenderError as error:
            raise OSError(str(error)) from error

    def changed(held: bool) -> None:
        daemon.runner.say("operator", [LeaseChanged(held=held, why=newest.why_not())])

    newest = NewestInstance(listed, own, changed)
    world = daemon.world
    world.lease, world.voice, world.apart = newest.why_not, newest.why_silent, True
    return [Child(name="lease", start=newest.run)]


def has_disk(folder: Path) -> bool:
    """Whether the state outlives a deploy: it is mounted, where the rest of the file system is the image."""
    return folder.stat().st_dev != Path("/").stat().st_dev
