"""Signs of life for others: an address that is called while all is well, and systemd's watchdog."""

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from config.secret import Secret
from scripts.goodness import Goodness
from utils.freeze_guard import FreezeGuard
from utils.structured_logger import get_logger
from utils.systemd import Systemd

if TYPE_CHECKING:
    from scripts.daemon import Daemon

log = get_logger("heartbeat")
EVERY_S = 20.0
ALARM_S = 45.0  # of silence, for whoever listens
TIMEOUT_S = 10.0
BEAT_S = 1.0


class Heartbeat:
    """Silence is the alarm: whoever listens at the address raises it 45 s after the last call, so that one may be lost.

    What is wrong has to be known within 15 s, for the alarm to come within a minute.
    """

    def __init__(self, url: Secret, goodness: Goodness) -> None:
        self._url = url
        self._goodness = goodness
        self._told: list[str] = []

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            while True:
                problems = self._goodness.everything()
                if problems != self._told:
                    log.warning("heartbeat_withheld", problems=problems) if problems else log.info(
                        "heartbeat_again"
                    )
                    self._told = problems
                if not problems:
                    await self._call(session)
                await asyncio.sleep(EVERY_S)

    async def _call(self, session: "aiohttp.ClientSession") -> None:
        """Once, without a second try: the next one comes soon, and a lost one is what the listener allows for."""
        try:
            async with session.get(self._url.reveal()) as answer:
                if answer.status >= 400:
                    log.warning("heartbeat_refused", status=answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("heartbeat_failed", error=type(error).__name__)  # its text would name the address


class Pulse:
    """Beats for the thread that guards against a frozen loop, and for systemd while our own process is well."""

    def __init__(self, daemon: "Daemon", goodness: Goodness, guard: FreezeGuard, systemd: Systemd) -> None:
        self._daemon = daemon
        self._goodness = goodness
        self._guard = guard
        self._systemd = systemd

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await self._daemon.ready.wait()
        self._systemd.tell("READY=1", "STATUS=watching")
        due_at = 0.0
        self._guard.start()
        try:
            while True:
                self._guard.beat()
                if self._systemd.watchdog_s and loop.time() >= due_at and not self._goodness.inner():
                    self._systemd.tell("WATCHDOG=1")
                    due_at = loop.time() + self._systemd.watchdog_s / 2
                await asyncio.sleep(BEAT_S)
        finally:
            self._guard.stop()
            self._systemd.tell("STOPPING=1")
