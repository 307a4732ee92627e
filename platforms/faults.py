"""Makes real faults for experiments, each planned so that it can be undone even by another process."""

import asyncio
import hashlib
import shutil
import signal
from pathlib import Path

from msgspec import Struct

from config.model import Service
from platforms.keeping.copies import copy_to, put_in_place, set_companions_aside
from platforms.platform import Incarnation, Platform, PlatformError
from platforms.processes.group import send
from platforms.processes.table import process_table
from platforms.releases import link_of, point, version

FAULTS = ("kill", "freeze", "corrupt_file", "bad_release", "stop_dependency")
_GARBAGE = b"damaged by a chaos experiment\n"


class FaultRefused(ValueError):  # noqa: N818 - a refusal is an answer
    """This fault cannot be made here; the message says why."""


class Plan(Struct, frozen=True, kw_only=True, tag_field="fault"):
    """Everything that undoing needs."""

    id: str
    service: str


class Kill(Plan, frozen=True, kw_only=True, tag="kill"):
    pid: int


class Freeze(Plan, frozen=True, kw_only=True, tag="freeze"):
    pid: int
    started_at: float


class CorruptFile(Plan, frozen=True, kw_only=True, tag="corrupt_file"):
    path: str
    kind: str
    saved: str
    damaged: str  # checksum of the damage; "": the file is gone


class BadRelease(Plan, frozen=True, kw_only=True, tag="bad_release"):
    link: str
    before: str
    bad: str
    pid: int  # 0: nothing ran


class StopDependency(Plan, frozen=True, kw_only=True, tag="stop_dependency"):
    dependency: str


AnyPlan = Kill | Freeze | CorruptFile | BadRelease | StopDependency


class Faults:
    """`folder` keeps what undoing needs beside the plan itself."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.folder = folder

    async def plan(self, fault: str, service: Service, plan_id: str) -> AnyPlan:
        """Changes nothing yet. Raises FaultRefused."""
        name = service.name
        match fault:
            case "kill":
                return Kill(id=plan_id, service=name, pid=self._living(name).pid)
            case "freeze":
                life = self._living(name)
                return Freeze(id=plan_id, service=name, pid=life.pid, started_at=life.started_at)
            case "corrupt_file":
                return await asyncio.to_thread(self._plan_damage, service, plan_id)
            case "bad_release":
                return await asyncio.to_thread(self._plan_release, service, plan_id)
            case "stop_dependency":
                if not service.depends_on:
                    raise FaultRefused(f"{name} declares no dependency")
                self._living(service.depends_on[0])
                return StopDependency(id=plan_id, service=name, dependency=service.depends_on[0])
            case _:
                raise FaultRefused(f"there is no fault {fault!r}; there are: {', '.join(FAULTS)}")

    async def inject(self, plan: AnyPlan) -> str:
        """Answers what was done, in one line. Raises PlatformError or OSError."""
        match plan:
            case Kill():
                send(plan.pid, signal.SIGKILL)
                return f"SIGKILL to process group {plan.pid}"
            case Freeze():
                send(plan.pid, signal.SIGSTOP)
                return f"SIGSTOP to process group {plan.pid}"
            case CorruptFile():
                await asyncio.to_thread(_damage, plan)
                return f"{plan.path} removed" if plan.kind == "exists" else f"garbage over {plan.path}"
            case BadRelease():
                await asyncio.to_thread(_release, plan)
                if plan.pid:
                    send(plan.pid, signal.SIGTERM)  # a deployment restarts what it deploys
                return f"release {plan.before} replaced by {plan.bad}"
            case StopDependency():
                await self.platform.stop(plan.dependency, signal="KILL", grace_s=0.0)
                return f"{plan.dependency} stopped"

    async def revert(self, plan: AnyPlan) -> str:
        """Undo what is still there; may be called again. Answers what was done. Raises PlatformError or OSError."""
        match plan:
            case Kill():
                return "nothing is left to undo"
            case Freeze():
                return _thaw(plan)
            case CorruptFile():
                return await asyncio.to_thread(_repair, plan)
            case BadRelease():
                return await asyncio.to_thread(_withdraw, plan)
            case StopDependency():
                if self.platform.current(plan.dependency) is not None:
                    return f"{plan.dependency} runs again already"
                await self.platform.start(plan.dependency, f"chaos:{plan.id}")
                return f"{plan.dependency} started"

    def _living(self, service: str) -> Incarnation:
        life = self.platform.current(service)
        if life is None:
            raise FaultRefused(f"{service} does not run")
        return life

    def _plan_damage(self, service: Service, plan_id: str) -> CorruptFile:
        if not service.files:
            raise FaultRefused(f"{service.name} declares no file")
        declared = service.files[0]
        path = (Path(service.platform.cwd) / declared.path).absolute()
        saved = self.folder / f"{plan_id}.saved"
        try:
            copy_to(path, saved, declared.check)
            damaged = "" if declared.check == "exists" else _checksum(_damaged(saved.read_bytes()))
        except OSError as error:
            raise FaultRefused(f"{path} cannot be copied first: {error}") from error
        return CorruptFile(
            id=plan_id, service=service.name, path=str(path), kind=declared.check, saved=str(saved), damaged=damaged
        )  # fmt: skip

    def _plan_release(self, service: Service, plan_id: str) -> BadRelease:
        try:
            link = link_of(service).absolute()
            before = version(link)
        except (PlatformError, OSError) as error:
            raise FaultRefused(f"{service.name} has no release to replace: {error}") from error
        life = self.platform.current(service.name)
        bad = f"{before}-chaos-{plan_id[:8]}"
        return BadRelease(
            id=plan_id, service=service.name, link=str(link), before=before, bad=bad, pid=life.pid if life else 0
        )  # fmt: skip


def _thaw(plan: Freeze) -> str:
    now = process_table().read(plan.pid)
    if now is None or now.started_at != plan.started_at:
        return "the frozen process is gone already"
    send(plan.pid, signal.SIGCONT)
    return f"SIGCONT to process group {plan.pid}"


def _damaged(content: bytes) -> bytes:
    return _GARBAGE + content[len(content) // 2 :]


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damage(plan: CorruptFile) -> None:
    path = Path(plan.path)
    if plan.kind == "exists":
        path.unlink()
        return
    damaged = _damaged(Path(plan.saved).read_bytes())
    with path.open("r+b") as file:  # in place, as a broken program does it
        file.write(damaged)
        file.truncate()


def _repair(plan: CorruptFile) -> str:
    path, saved = Path(plan.path), Path(plan.saved)
    now = _checksum(path.read_bytes()) if path.exists() else ""
    if now != plan.damaged or not saved.exists():
        saved.unlink(missing_ok=True)
        return f"{plan.path} is not what we left, so somebody healed it"
    set_companions_aside(path, path.with_name(f"{path.name}.chaos"))
    fresh = path.with_name(f".{path.name}.reverting")
    shutil.copy2(saved, fresh)
    put_in_place(fresh, path)
    saved.unlink()
    return f"{plan.path} put back"


def _release(plan: BadRelease) -> None:
    link = Path(plan.link)
    folder = (link.parent / link.readlink()).parent
    shutil.copytree(folder / plan.before, folder / plan.bad, symlinks=True)
    for path in (folder / plan.bad).rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(_GARBAGE)
    point(link, plan.bad)


def _withdraw(plan: BadRelease) -> str:
    link = Path(plan.link)
    if link.is_symlink() and version(link) == plan.bad:
        point(link, plan.before)
        told = f"release pointed back to {plan.before}"
    else:
        told = "the release was pointed back already"
    shutil.rmtree((link.parent / link.readlink()).with_name(plan.bad), ignore_errors=True)
    return told
