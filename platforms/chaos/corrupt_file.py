"""Damages a declared file in place, as a broken program does it."""

import asyncio
import hashlib
import shutil
import signal
from pathlib import Path

from msgspec import Struct

from config.model import Service, WatchedFile
from platforms.chaos.fault import Fault, FaultRefused, Plan
from platforms.keeping.copies import copy_to, put_in_place, set_companions_aside
from platforms.processes.group import send

GARBAGE = b"damaged by a chaos experiment\n"


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    path: str = ""  # one of the declared files; empty: the first
    restart: bool = False  # what was read at start only is met at the next one


class CorruptFile(Plan, frozen=True, kw_only=True):
    path: str
    kind: str
    saved: str
    damaged: str  # checksum of the damage; "": the file is gone
    pid: int = 0  # to be killed; 0: nobody


class CorruptFileFault(Fault[CorruptFile, Options]):
    plan_type = CorruptFile
    options = Options

    async def plan(self, service: Service, plan_id: str, options: Options, for_s: float) -> CorruptFile:
        del for_s
        pid = self.ground.process(service.name).pid if options.restart else 0
        return await asyncio.to_thread(self._plan, service, plan_id, _declared(service, options.path), pid)

    def _plan(self, service: Service, plan_id: str, declared: WatchedFile, pid: int) -> CorruptFile:
        path = (Path(service.platform.cwd) / declared.path).absolute()
        saved = self.ground.folder / f"{plan_id}.saved"
        try:
            copy_to(path, saved, declared.check)
            damaged = "" if declared.check == "exists" else _checksum(_damaged(saved.read_bytes()))
        except OSError as error:
            raise FaultRefused(f"{path} cannot be copied first: {error}") from error
        return CorruptFile(
            id=plan_id, service=service.name, fault=self.name, path=str(path), kind=declared.check,
            saved=str(saved), damaged=damaged, pid=pid,
        )  # fmt: skip

    async def inject(self, plan: CorruptFile) -> str:
        await asyncio.to_thread(_damage, plan)
        if plan.pid:
            send(plan.pid, signal.SIGKILL)
        return f"{plan.path} removed" if plan.kind == "exists" else f"garbage over {plan.path}"

    async def undo(self, plan: CorruptFile) -> str:
        return await asyncio.to_thread(_repair, plan)

    async def verify(self, plan: CorruptFile) -> str:
        is_ours = await asyncio.to_thread(_still_damaged, plan)
        return f"{plan.path} is still as we damaged it" if is_ours else ""


def _declared(service: Service, path: str) -> WatchedFile:
    if not service.files:
        raise FaultRefused(f"{service.name} declares no file")
    if not path:
        return service.files[0]
    found = [file for file in service.files if file.path == path]
    if not found:
        raise FaultRefused(f"{service.name} declares no file {path!r}")
    return found[0]


def _damaged(content: bytes) -> bytes:
    return GARBAGE + content[len(content) // 2 :]


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _still_damaged(plan: CorruptFile) -> bool:
    path = Path(plan.path)
    return (_checksum(path.read_bytes()) if path.exists() else "") == plan.damaged


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
    if not _touched(plan, path, saved) or not saved.exists():
        saved.unlink(missing_ok=True)
        return f"{plan.path} is not what we left, so somebody healed it"
    set_companions_aside(path, path.with_name(f"{path.name}.chaos"))
    fresh = path.with_name(f".{path.name}.reverting")
    shutil.copy2(saved, fresh)
    put_in_place(fresh, path)
    saved.unlink()
    return f"{plan.path} put back"


def _touched(plan: CorruptFile, path: Path, saved: Path) -> bool:
    """As we left it, or as we left it half-way: a death of ours between two writes is our damage too."""
    if not path.exists():
        return plan.damaged == ""
    now = path.read_bytes()
    if _checksum(now) == plan.damaged:
        return True
    return saved.exists() and now.startswith(GARBAGE) and now != saved.read_bytes()


FAULT = CorruptFileFault
