"""The files for people under state/: what the daemon knows, written again when it changed and never more often."""

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from dashboard.view import PeopleView

EVERY_S = 5.0
NEWEST = 1000  # lists in files are bounded

Write = Callable[[Path, Any, str], Awaitable[None] | None]  # where, what, saved when

log = logging.getLogger("nightwarden.people_files")


class PeopleFiles:
    """`write` puts one complete document in place; a plain function is called in a thread, since it waits for the disk."""

    def __init__(
        self,
        view: PeopleView,
        folder: Path,
        write: Write,
        now_text: Callable[[], str],
        every_s: float = EVERY_S,
    ) -> None:
        self._view = view
        self._folder = folder
        self._write = write
        self._now_text = now_text
        self._every_s = every_s
        self._written: dict[str, bytes] = {}

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self.write_changed()
            await asyncio.sleep(self._every_s)

    async def write_changed(self) -> list[str]:
        """Which files were written. A file that cannot be written is tried again the next time."""
        written = []
        for name, read in contents(self._view):
            if await self._write_one(name, read):
                written.append(name)
            await asyncio.sleep(0)  # each file is a piece of work of its own
        return written

    async def _write_one(self, name: str, read: Callable[[], Any]) -> bool:
        data = read()
        await asyncio.sleep(0)
        digest = _digest(data)
        if self._written.get(name) == digest:
            return False
        try:
            await self._put(self._folder / f"{name}.json", data)
        except OSError as error:
            log.warning("%s.json could not be written: %s", name, error)
            return False
        self._written[name] = digest
        return True

    async def _put(self, path: Path, data: Any) -> None:
        if inspect.iscoroutinefunction(self._write):
            await self._write(path, data, self._now_text())
        else:
            await asyncio.to_thread(self._write, path, data, self._now_text())


def _digest(data: Any) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(data), digest_size=16).digest()


def contents(view: PeopleView) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The name of each file and how to read what it holds."""
    yield "self_healing_state", lambda: _self_healing(view)
    yield "agent_status", view.agents
    yield "failure_predictions", lambda: list(view.predictions()[:NEWEST])
    yield "maintenance_schedule", lambda: list(view.maintenance()[:NEWEST])
    yield "anomaly_detections", lambda: list(view.anomalies()[:NEWEST])
    yield "rca_knowledge_base", view.knowledge_base
    yield "rca_reports", lambda: _reports(view)
    yield "fix_history", lambda: _history(view)
    yield "fix_success_rates", view.success_rates
    yield "recovery_strategies", lambda: _strategies(view)
    yield "backups", view.backups
    yield "metrics", lambda: list(view.metrics())
    yield "traces", lambda: list(view.traces()[:NEWEST])


def _self_healing(view: PeopleView) -> dict[str, Any]:
    ended = {"closed", "withdrawn"}
    return {
        "summary": view.summary(),
        "services": [_steady(service) for service in view.services()],
        "open_incidents": [i for i in view.incidents()[:NEWEST] if i["status"] not in ended],
    }


def _strategies(view: PeopleView) -> dict[str, Any]:
    rates = list(view.success_rates())
    return {"lessons": list(view.lessons()), "fixes": list(view.fixes()), "learnt": rates}


def _steady(service: Any) -> dict[str, Any]:
    """Without the figures of the moment, which metrics.json has: else the file would change all the time."""
    return {key: value for key, value in service.items() if key not in {"cpu_percent", "rss_mib"}}


def _reports(view: PeopleView) -> list[dict[str, Any]]:
    """Why each incident happened, as far as we know."""
    keys = ("id", "service", "opened_at", "symptoms", "cause", "rivals")
    return [{key: i[key] for key in keys} for i in view.incidents()[:NEWEST] if i["cause"]]


def _history(view: PeopleView) -> list[dict[str, Any]]:
    """Each act, newest first."""
    acts = [
        {"incident": i["id"], "service": i["service"], "cause": (i["cause"] or {}).get("name"), **act}
        for i in view.incidents()[:NEWEST]
        for act in i["acts"]
    ]
    return sorted(acts, key=lambda act: str(act["started_at"]), reverse=True)
