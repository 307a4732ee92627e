"""Worker: takes jobs from a queue in SQLite and asks the shop for the price that each is about."""

import asyncio
import itertools
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import Counter, Gauge

from examples.service_base import CannotStartError, ServiceBase, UnavailableError, run, setting

_MOST_WAITING = 1000
_KEPT_DONE = 1000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, created_at REAL NOT NULL,  -- Unix seconds
    attempts INTEGER NOT NULL DEFAULT 0, done_at REAL, result TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON jobs (id) WHERE done_at IS NULL;
"""


class Queue:
    """Jobs that survive a crash: one is done only when its result is on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def put(self, sku: str) -> int:
        added = self._db.execute("INSERT INTO jobs (sku, created_at) VALUES (?, ?)", (sku, time.time()))
        return int(added.lastrowid or 0)

    def oldest(self) -> tuple[int, str] | None:
        found = self._db.execute(
            "SELECT id, sku FROM jobs WHERE done_at IS NULL ORDER BY id LIMIT 1"
        ).fetchone()
        return (found[0], found[1]) if found else None

    def failed(self, job: int) -> None:
        self._db.execute("UPDATE jobs SET attempts = attempts + 1 WHERE id = ?", (job,))

    def done(self, job: int, result: Any) -> None:
        values = (time.time(), json.dumps(result), job)
        self._db.execute("UPDATE jobs SET done_at = ?, result = ? WHERE id = ?", values)
        self._db.execute("DELETE FROM jobs WHERE done_at IS NOT NULL AND id <= ?", (job - _KEPT_DONE,))

    def waiting(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM jobs WHERE done_at IS NULL").fetchone()[0])


class Worker(ServiceBase):
    name = "worker"
    default_port = 9003

    async def start(self) -> None:
        self.shop_url = setting("SHOP_URL", "http://127.0.0.1:9001")
        self.feed_s = float(setting("FEED_S", "1"))
        self.stale_s = float(setting("STALE_S", "10"))
        await self._wait_for(setting("WAIT_FOR", ""), float(setting("WAIT_FOR_S", "1")))
        try:
            self.queue = Queue(Path(setting("QUEUE_FILE", "examples/var/queue.sqlite")))
        except (OSError, sqlite3.Error) as error:
            raise CannotStartError(f"queue: {error}") from error
        self.progress_at = time.monotonic()
        self.last_error = ""
        self.jobs = Counter("jobs", "Jobs tried.", ("outcome",), registry=self.registry)
        length = Gauge("queue_length", "Jobs that wait.", registry=self.registry)
        length.set_function(self.queue.waiting)
        self.beside(self._feed())
        self.beside(self._work())

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/jobs", self._add)]

    async def check(self) -> dict[str, Any]:
        """Work that waits is being done."""
        waiting = self.queue.waiting()
        idle_s = time.monotonic() - self.progress_at
        if waiting and idle_s > self.stale_s:
            raise UnavailableError(
                f"no job done for {idle_s:.1f} s, {waiting} wait; last error: {self.last_error}"
            )
        return {"waiting": waiting, "idle_s": round(idle_s, 3)}

    async def _wait_for(self, url: str, patience_s: float) -> None:
        """What we cannot start without may be starting itself, so it gets a moment."""
        end = time.monotonic() + patience_s
        while url:
            try:
                await self.call("GET", url, 1.0)
            except UnavailableError as error:
                if time.monotonic() > end:
                    raise CannotStartError(str(error)) from error
                await asyncio.sleep(0.1)
            else:
                return

    async def _feed(self) -> None:
        """Prices are looked at all the time, so that there is always work."""
        for sku in itertools.cycle(("book", "lamp", "mug")):
            if self.queue.waiting() < _MOST_WAITING:
                self.queue.put(sku)
            await asyncio.sleep(self.feed_s)

    async def _work(self) -> None:
        while True:
            job = self.queue.oldest()
            if job is None:
                self.progress_at = time.monotonic()
            elif await self._try(*job):
                continue
            await asyncio.sleep(min(0.2, self.feed_s))

    async def _try(self, job: int, sku: str) -> bool:
        await self.faults.maybe_slow()
        try:
            result = await self.call("GET", f"{self.shop_url}/price", 2.0, params={"sku": sku})
        except UnavailableError as error:
            if str(error) != self.last_error:
                self.log.warning("job %d failed: %s", job, error)
            self.last_error = str(error)
            self.queue.failed(job)
            self.jobs.labels("failed").inc()
            return False
        self.queue.done(job, result)
        self.progress_at = time.monotonic()
        self.last_error = ""
        self.jobs.labels("done").inc()
        return True

    async def _add(self, request: web.Request) -> web.Response:
        sku = request.query.get("sku", "")
        if sku not in ("book", "lamp", "mug"):
            raise web.HTTPBadRequest(text="wanted ?sku=book, lamp or mug")
        if self.queue.waiting() >= _MOST_WAITING:
            raise web.HTTPTooManyRequests(text="the queue is full")
        return web.json_response({"id": self.queue.put(sku)}, status=201)


if __name__ == "__main__":
    run(Worker)
