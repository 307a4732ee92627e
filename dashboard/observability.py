"""The HTTP surface: what Nightwarden knows as JSON, metrics, a live stream and a page; and the few commands."""

from functools import partial
from pathlib import Path
from typing import get_args

from aiohttp import web

from dashboard.answers import Handler, add_headers, as_json, errors, problem, starting
from dashboard.commands import Writes
from dashboard.coverage import badge
from dashboard.coverage import page as coverage_page
from dashboard.live import Live
from dashboard.openapi import document
from dashboard.paging import LISTINGS, Listing, page
from dashboard.view import Desk, Word
from dashboard.webhooks import Webhooks
from utils.metrics_collector import CONTENT_TYPE, Renderer

MAX_BODY = 16 * 1024
SHUTDOWN_S = 2.0
CSP = "Content-Security-Policy"
REPORT_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
ASSETS = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/decide.js": ("decide.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def create_app(desk: Desk) -> web.Application:
    """Answers /health at once; the rest as soon as `desk.view` is set."""
    app = web.Application(middlewares=[errors], client_max_size=MAX_BODY)
    reads, writes, live = Reads(desk), Writes(desk), Live(desk)
    for path, handler in _reads(reads, live).items():
        app.router.add_get(path, handler)
    for path in ("/api/services/{name}/stop", "/api/services/{name}/start", "/api/pause", "/api/resume"):
        app.router.add_post(path, writes.handle)
    for word in get_args(Word):
        about = "maintenance" if word == "veto" else "incidents"
        app.router.add_post(f"/api/{about}/{{id}}/{word}", writes.decide)
    hooks = Webhooks(desk)
    app.router.add_post("/webhooks/alertmanager", hooks.alertmanager)
    app.router.add_post("/webhooks/render", hooks.render)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(live.close)
    return app


async def serve(
    desk: Desk, host: str, port: int, app: web.Application | None = None
) -> tuple[web.AppRunner, int]:
    """Listen; returns the runner, whose `cleanup()` stops it, and the port. Raises OSError when it is in use."""
    runner = web.AppRunner(
        app or create_app(desk), access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


def _reads(reads: "Reads", live: Live) -> dict[str, Handler]:
    assets: dict[str, Handler] = {
        path: partial(reads.asset, file=file, kind=kind) for path, (file, kind) in ASSETS.items()
    }
    lists: dict[str, Handler] = {
        f"/observability/{e.name}": partial(reads.listing, listing=e) for e in LISTINGS
    }
    return {
        "/health": reads.health,
        "/ready": reads.ready,
        "/openapi.json": reads.openapi,
        "/metrics": reads.metrics,
        "/observability/summary": reads.summary,
        "/observability/stream": live.handle,
        "/observability/coverage": reads.coverage,
        "/observability/coverage.svg": reads.badge,
        "/coverage": reads.coverage_page,
        **lists,
        "/observability/incidents/{id}": reads.incident,
        "/reports/{id}": reads.report,
        **assets,
    }


class Reads:
    """The handlers of every GET but the stream."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._renderer = Renderer()
        self._assets: dict[str, bytes] = {}

    async def health(self, _request: web.Request) -> web.StreamResponse:
        return as_json({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        if self._desk.view is None or not self._desk.view.ready:
            return starting(self._desk)
        return as_json({"status": "ready"})

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return as_json(document())

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        families = self._desk.view.families() if self._desk.view else ()
        return web.Response(
            body=await self._renderer.render(families), headers={"Content-Type": CONTENT_TYPE}
        )

    async def summary(self, _request: web.Request) -> web.StreamResponse:
        return as_json(self._desk.view.summary()) if self._desk.view else starting(self._desk)

    async def coverage(self, _request: web.Request) -> web.StreamResponse:
        return as_json(self._desk.view.coverage()) if self._desk.view else starting(self._desk)

    async def badge(self, _request: web.Request) -> web.StreamResponse:
        if self._desk.view is None:
            return starting(self._desk)
        headers = {"Cache-Control": "no-cache"}
        return web.Response(
            text=badge(self._desk.view.coverage()), content_type="image/svg+xml", headers=headers
        )

    async def coverage_page(self, _request: web.Request) -> web.StreamResponse:
        if self._desk.view is None:
            return starting(self._desk)
        text = coverage_page(self._desk.view.coverage())
        return web.Response(text=text, content_type="text/html", headers={CSP: REPORT_CSP})

    async def listing(self, request: web.Request, *, listing: Listing) -> web.StreamResponse:
        query = [(name, value) for name, value in request.query.items()]
        if self._desk.view is None:
            page(listing, (), query)  # a bad parameter is bad at any time
            return starting(self._desk)
        return as_json(page(listing, getattr(self._desk.view, listing.name)(), query))

    async def incident(self, request: web.Request) -> web.StreamResponse:
        if self._desk.view is None:
            return starting(self._desk)
        found = self._desk.view.incident(request.match_info["id"])
        return (
            as_json(found)
            if found is not None
            else problem(404, "unknown_incident", "no incident has this id")
        )

    async def report(self, request: web.Request) -> web.StreamResponse:
        """A page that loads nothing; with ".md" behind the id the same as Markdown."""
        if self._desk.view is None:
            return starting(self._desk)
        name, dot, form = request.match_info["id"].partition(".")
        found = None if dot and form != "md" else await self._desk.view.report(name, "md" if dot else "html")
        if found is None:
            return problem(404, "unknown_incident", "no incident has this id")
        return web.Response(
            text=found, content_type="text/markdown" if dot else "text/html", headers={CSP: REPORT_CSP}
        )

    async def asset(self, _request: web.Request, *, file: str, kind: str) -> web.StreamResponse:
        if file not in self._assets:
            self._assets[file] = Path(__file__).with_name(file).read_bytes()  # a few kB, once
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=self._assets[file], content_type=kind, charset="utf-8", headers=headers)
