"""Checks declared files at a pace and whenever they change, tells damage from a half-written file, keeps backups."""

import asyncio
from collections.abc import Callable, Sequence
from math import inf

import structlog
from msgspec import Struct

from config.model import Service, WatchedFile
from platforms.platform import Files, PlatformError
from platforms.probing.rounds import Spawn
from platforms.surroundings import resolve

log = structlog.get_logger()

_SECOND_LOOK_S = 0.2
_LOOKS = 10  # a file that is written all the time is judged in the end
_PACE_WITHOUT_PROBE_S = 5.0
_SHARE = 20  # a check may take one part in so many of the time
_BACKUP_RETRY_S = 30.0

Signature = tuple[int, int, int] | None  # (mtime, size, inode); None: not there


class FileSeen(Struct, frozen=True):
    """What a declared file turned into; `problem` is empty when it is good again."""

    service: str
    path: str
    problem: str


class _Watched:
    """What is known of one declared file."""

    def __init__(self, service: Service, file: WatchedFile, problem: str) -> None:
        self.service = service
        self.file = file
        self.problem = problem
        self.known: bool | None = True if problem else None  # it has been good before; None: not yet asked
        self.signature: Signature = None
        self.check_at = -inf
        self.not_before = -inf
        self.backup_at = -inf
        self.cost_s = 0.0  # of the checks of one examination
        self.task: asyncio.Task[None] | None = None

    def look(self) -> Signature:
        try:
            found = resolve(self.service, self.file.path).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class FileRounds:
    """`healthy` tells whether a service is well enough for its file to be kept as a backup; files of `stopped` ones
    are left alone."""

    def __init__(
        self,
        files: Files,
        healthy: Callable[[str], bool],
        stopped: Callable[[str], bool],
        report: Callable[[FileSeen], None],
        spawn: Spawn,
    ) -> None:
        self._files = files
        self._healthy = healthy
        self._stopped = stopped
        self._report = report
        self._spawn = spawn
        self._watched: dict[tuple[str, str], _Watched] = {}

    def watch(self, services: Sequence[Service], damaged: Callable[[str, str], str]) -> None:
        """From now on these; `damaged` is the problem that was reported before, if any."""
        wanted = {(s.name, file.path): (s, file) for s in services for file in s.files}
        for key, watched in list(self._watched.items()):
            if wanted.get(key) != (watched.service, watched.file):
                del self._watched[key]
                if watched.task is not None:
                    watched.task.cancel()
        for key, (service, file) in wanted.items():
            if key not in self._watched:
                self._watched[key] = _Watched(service, file, damaged(*key))

    def close(self) -> None:
        """Forget all; what is under way ends with whoever spawned it."""
        self._watched.clear()

    def hurry(self, service: str) -> None:
        """Check its files at the next look: something is wrong with it."""
        for watched in self._watched.values():
            if watched.service.name == service:
                watched.check_at = -inf

    def look(self, now: float) -> None:
        for watched in self._watched.values():
            if watched.task is not None or now < watched.not_before or self._stopped(watched.service.name):
                continue
            signature = watched.look()
            if now >= watched.check_at or signature != watched.signature:
                watched.signature = signature
                watched.task = self._spawn(self._examine(watched))

    async def _examine(self, watched: _Watched) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        watched.cost_s = 0.0
        try:
            problem = await self._settled(watched)
            await self._judge(watched, problem)
            if not problem:
                await self._backup(watched, loop.time())
        except (PlatformError, OSError) as error:
            log.warning(
                "file_unchecked", service=watched.service.name, path=watched.file.path, error=str(error)
            )
        finally:
            watched.task = None
        probe = watched.service.probe
        pace_s = max(1.0, probe.interval_s) if probe is not None else _PACE_WITHOUT_PROBE_S
        watched.not_before = loop.time() + _SHARE * watched.cost_s
        watched.check_at = max(began_at + pace_s, watched.not_before)

    async def _settled(self, watched: _Watched) -> str:
        """Bad only if two checks in a row say so and nobody wrote to it between them."""
        problem = await self._check(watched)
        for _ in range(_LOOKS - 1):
            if not problem or watched.problem:
                break
            before = watched.look()
            await asyncio.sleep(_SECOND_LOOK_S)
            problem = await self._check(watched)
            watched.signature = watched.look()
            if watched.signature == before:
                break
        return problem

    async def _check(self, watched: _Watched) -> str:
        loop = asyncio.get_running_loop()
        since = loop.time()
        problem = await self._files.check(watched.service, watched.file)
        watched.cost_s += loop.time() - since
        return problem

    async def _judge(self, watched: _Watched, problem: str) -> None:
        if problem and watched.signature is None and watched.known is None:
            watched.known = bool(await self._files.newest_good_backup(watched.service, watched.file))
        if problem and watched.signature is None and not watched.known:
            return  # it was never there: the service may not have made it yet
        watched.known = watched.known or not problem
        if bool(problem) != bool(watched.problem):
            watched.problem = problem
            self._report(FileSeen(watched.service.name, watched.file.path, problem))

    async def _backup(self, watched: _Watched, now: float) -> None:
        if now < watched.backup_at or not self._healthy(watched.service.name):
            return
        watched.backup_at = now + _BACKUP_RETRY_S
        await self._files.backup(watched.service, watched.file)
        watched.backup_at = now + watched.file.backup_s
