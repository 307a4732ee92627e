"""Faults of data and models: a table with damaged cells, a model with wrong numbers. Well-formed, so that no parser objects."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from config.model import Service
from config.on_model import ModelPlatform
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan
from platforms.keeping.copies import put_in_place
from platforms.processes.group import send


class DataOptions(Struct, frozen=True, forbid_unknown_fields=True):
    path: str = ""  # relative to the cwd; empty: the table of the model, else the first declared file
    every: Annotated[int, Meta(ge=1)] = 5  # so many rows


class ModelOptions(Struct, frozen=True, forbid_unknown_fields=True):
    path: str = ""  # relative to the cwd; empty: the first declared file
    numbers: Literal["opposite", "nan"] = "opposite"


class Poisoned(Plan, frozen=True, kw_only=True):
    path: str
    saved: str
    damaged: str  # checksum of what we left there
    pid: int  # to be killed, so that it reads the file again; 0: nobody
    every: int = 0
    numbers: str = ""


class PoisonedFault(Fault[Poisoned, Any]):
    plan_type = Poisoned

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = DataOptions if name == "poisoned_data" else ModelOptions

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> Poisoned:
        del for_s
        life = self.ground.platform.current(service.name) if self.name == "wrong_model" else None
        path = await asyncio.to_thread(_path, service, options.path, isinstance(options, DataOptions))
        saved = self.ground.folder / f"{plan_id}.saved"
        every, numbers = getattr(options, "every", 0), getattr(options, "numbers", "")
        try:
            content = await asyncio.to_thread(path.read_bytes)
            damaged = _poison(every, numbers)(content)
            await asyncio.to_thread(shutil.copy2, path, saved)
        except (OSError, ValueError) as error:
            raise FaultRefused(f"{path} cannot be poisoned: {error}") from error
        if damaged == content:
            raise FaultRefused(f"{path} has nothing that could be poisoned so")
        return Poisoned(
            id=plan_id, service=service.name, fault=self.name, path=str(path), saved=str(saved),
            damaged=_checksum(damaged), pid=life.pid if life else 0, every=every, numbers=numbers,
        )  # fmt: skip

    async def inject(self, plan: Poisoned) -> str:
        await asyncio.to_thread(_replace, plan)
        if plan.pid > 1:
            send(plan.pid, signal.SIGKILL)
        return f"{plan.path} was poisoned"

    async def undo(self, plan: Poisoned) -> str:
        return await asyncio.to_thread(_put_back, plan)

    async def verify(self, plan: Poisoned) -> str:
        there = await asyncio.to_thread(_is_ours, plan)
        return f"{plan.path} is still poisoned" if there else ""


def _path(service: Service, given: str, is_data: bool) -> Path:
    cwd = Path(service.platform.cwd).absolute()
    if given:
        return cwd / given
    if is_data and isinstance(service.platform, ModelPlatform):
        from config.monitoring import load_monitoring

        model = service.platform.model or service.name
        found = [
            spec
            for spec in load_monitoring(Path(service.platform.config), os.environ).models
            if spec.name == model
        ]
        if found:
            return cwd / found[0].data
    if not service.files:
        raise FaultRefused(f"{service.name} declares no file; name one with the option path")
    return cwd / service.files[0].path


def _poison(every: int, numbers: str) -> Callable[[bytes], bytes]:
    if numbers:
        return lambda content: json.dumps(_changed(json.loads(content), numbers)).encode()
    return lambda content: _cells(content, every)


def _cells(content: bytes, every: int) -> bytes:
    """
    >>> _cells(b"a,b\\n1,2\\n3,4\\n", 1)
    b'a,b\\n,2\\nn/a,4\\n'
    """
    lines = content.split(b"\n")
    for row in range(1, len(lines)):
        first, comma, rest = lines[row].partition(b",")
        if comma and row % every == 0:
            lines[row] = (b"n/a" if row % (2 * every) == 0 else first[:0]) + comma + rest
    return b"\n".join(lines)


def _changed(value: Any, numbers: str) -> Any:
    """
    >>> _changed({"version": "v1", "bias": 2.5, "weights": [1, -3]}, "opposite")
    {'version': 'v1', 'bias': -2.5, 'weights': [-1, 3]}
    """
    if isinstance(value, dict):
        return {key: _changed(each, numbers) for key, each in value.items()}
    if isinstance(value, list):
        return [_changed(each, numbers) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float("nan") if numbers == "nan" else -value


def _replace(plan: Poisoned) -> None:
    """In one step, as an export or a deployment does."""
    path = Path(plan.path)
    content = _poison(plan.every, plan.numbers)(Path(plan.saved).read_bytes())
    fresh = path.with_name(f".{path.name}.poisoned")
    fresh.write_bytes(content)
    shutil.copymode(path, fresh)
    put_in_place(fresh, path)


def _put_back(plan: Poisoned) -> str:
    path, saved = Path(plan.path), Path(plan.saved)
    path.with_name(f".{path.name}.poisoned").unlink(missing_ok=True)
    if not _is_ours(plan) or not saved.exists():
        saved.unlink(missing_ok=True)
        return f"{plan.path} is not what we left, so somebody healed it"
    fresh = path.with_name(f".{path.name}.reverting")
    shutil.copy2(saved, fresh)
    put_in_place(fresh, path)
    saved.unlink()
    return f"{plan.path} put back"


def _is_ours(plan: Poisoned) -> bool:
    path = Path(plan.path)
    return path.exists() and _checksum(path.read_bytes()) == plan.damaged


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FAULT = PoisonedFault
