"""What every platform offers to the agents, so that a real one and its virtual twin are interchangeable."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from config.model import Probe, PromqlMetrics, Service, WatchedFile


class Incarnation(Struct, frozen=True):
    """One life of a service. `mark` is the id of the act or start command that made it."""

    service: str
    mark: str
    pid: int
    started_at: float  # start time of the process, clock ticks since boot: tells a pid from its reuse
    adopted: bool = False
    serves: bool = False  # it took over from the one before, so that its time to boot is over


class Sight(Struct, frozen=True, kw_only=True):
    """What a platform knows of a service that somebody else runs."""

    is_known: bool = True  # False: nobody could look yet, so that nothing can be said of its life
    rests: str = ""  # why somebody has stopped it there, which is no trouble
    settings: Mapping[str, str] = {}  # what others change: kind of change -> how it is now


CLEAR = Sight()


class Exit(Struct, frozen=True):
    """The end of an incarnation. Both numbers are None for an adopted process: only its parent can know them."""

    incarnation: Incarnation
    exit_code: int | None = None
    signal: int | None = None
    output: str = ""  # tail of what it wrote
    wanted: bool = False  # we stopped it ourselves
    reason: str = ""  # how it ended in one line, where exit code and signal cannot say it


class ProcessSample(Struct, frozen=True):
    """The whole group's own figures."""

    cpu_percent: float
    rss_mib: float
    threads: int
    open_files: int
    state: str = ""  # one letter of /proc/PID/stat of the leader


class ProbeResult(Struct, frozen=True):
    ok: bool
    latency_s: float
    symptom: str = ""  # a Symptom of the vocabulary
    reason: str = ""  # one line for people
    status: int | None = None
    body: str = ""  # at most 2 kB, only when not ok; untrusted


class Platform(Protocol):
    """Runs services. Raises PlatformError with a sentence for people."""

    def configure(self, services: Sequence[Service]) -> None: ...
    def current(self, service: str) -> Incarnation | None:
        """The living incarnation, or None."""
        ...

    def sight(self, service: str) -> Sight:
        """What can be seen of it beside its life; CLEAR of what we run ourselves."""
        ...

    async def adopt(self) -> list[Incarnation]:
        """Find processes that carry our mark and belong to this state folder; watch them from now on."""
        ...

    async def start(self, service: str, mark: str) -> Incarnation:
        """Start it; if it lives already under this very mark, return that life."""
        ...

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        """Signal the whole group, SIGKILL it after `grace_s` (0: SIGKILL at once); None if nothing lived."""
        ...

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        """Called in the loop for every end of an incarnation, wanted or not, as soon as it is seen."""
        ...

    def sample(self, service: str) -> ProcessSample | None: ...
    def is_frozen(self, service: str) -> bool:
        """Stopped by a signal: its kernel may still accept connections, and files of it still look fresh."""
        ...

    def suspect(self, service: str) -> None:
        """Its probe has just failed: where this platform only looks now and then, it looks at once."""
        ...

    def output(self, service: str, limit: int = 2048) -> str:
        """The tail of what the service wrote, over all its lives."""
        ...

    async def close(self) -> None:
        """Let go of everything without stopping anything."""
        ...


class PlatformError(Exception):
    """A platform could not do what was asked; the message says what and why."""


class Task(Struct, frozen=True, kw_only=True):
    """What an act wants of a service that somebody else runs."""

    service: Service
    mark: str  # the id of the act
    incarnation: str = ""  # the life that permission was given for
    begun_at: float = 0.0  # wall clock, seconds since 1970, when permission was given


class Done(Struct, frozen=True, kw_only=True):
    """A step that stands in the world. `undo_data` is for `take_back` alone; empty: there is no way back."""

    detail: str = ""
    undo: str = ""  # what would undo it, for people
    undo_data: str = ""


class AtRestError(PlatformError):
    """Somebody stopped it where it runs, who alone starts it again: nothing was touched."""


class Infrastructure(Protocol):
    """Changes what somebody else runs. Each step raises PlatformError with a sentence for people."""

    async def done_since(self, step: str, task: Task) -> Done | None:
        """What of this very act stands in the world already; None: nothing, or nobody can tell."""
        ...

    async def carry_out(self, step: str, task: Task) -> Done:
        """Do it, and come back when it stands; doing it twice under one mark is doing it once."""
        ...

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        """Undo a step of an earlier act; what was done, in one line."""
        ...


class Prober(Protocol):
    async def probe(self, service: Service, probe: Probe) -> ProbeResult:
        """One probe, within `probe.timeout_s`. Never raises for a failing service."""
        ...


class Scraper(Protocol):
    async def scrape(self, url: str, timeout_s: float) -> dict[str, float]:
        """One Prometheus page as name{labels} -> value. Raises PlatformError."""
        ...


class MetricsReader(Scraper, Protocol):
    """All the ways to read the metrics of a service."""

    async def query(self, metrics: PromqlMetrics, timeout_s: float) -> dict[str, float]:
        """The declared queries as name{labels} -> value. Raises PlatformError."""
        ...

    async def measured(self, service: str) -> dict[str, float]:
        """What the platform itself measures of it. Raises PlatformError."""
        ...


class Restored(Struct, frozen=True):
    """What a restore did; both names are for people and for undoing it."""

    backup: str
    damaged_copy: str = ""  # empty where there was no file to keep


class Proof(Struct, frozen=True, kw_only=True):
    """What a restore of a backup into a scratch place gave; `problem` is empty where it gave everything back."""

    backup: str
    size_bytes: int = 0
    rows: int = 0  # of all tables, where it has any
    problem: str = ""


class Databases(Infrastructure, Protocol):
    """Declared databases: steps of fixes as on infrastructure, and backups."""

    async def back_up(self, service: Service) -> Proof:
        """Dump, restore into a scratch database, keep if that gave everything back. Raises PlatformError."""
        ...


class Files(Protocol):
    """Declared files of a service: looks, backups, restores. Paths are relative to the service's cwd."""

    async def check(self, service: Service, file: WatchedFile) -> str:
        """What is wrong with it, in one line, or ""."""
        ...

    async def backup(self, service: Service, file: WatchedFile) -> str:
        """Keep a copy if the file passes its check and is not what was kept last; the copy's name, or ""."""
        ...

    async def newest_good_backup(self, service: Service, file: WatchedFile) -> str:
        """The name of the newest copy that still passes checksum and check, or ""."""
        ...

    async def newest_backup(self, service: Service, file: WatchedFile) -> str:
        """The name of the newest copy, looked at or not, or ""."""
        ...

    async def prove(self, service: Service, file: WatchedFile, backup: str) -> Proof:
        """Restore a copy into a scratch place; one that is worth nothing is set aside. Raises PlatformError."""
        ...

    async def restore(self, service: Service, file: WatchedFile, mark: str) -> Restored:
        """Put the newest good copy in place, the damaged one kept beside it. Raises PlatformError."""
        ...

    async def put_back(self, service: Service, file: WatchedFile, damaged_copy: str) -> str:
        """Undo a restore, what is there now kept beside it; what was done. Never restored over again as it is."""
        ...

    async def restored_by(self, service: Service, file: WatchedFile) -> str:
        """The mark of the last restore of this file, or ""."""
        ...

    async def empty_cache(self, service: Service, cache: str) -> int:
        """Remove everything inside a declared cache; how many files went. Raises PlatformError."""
        ...
