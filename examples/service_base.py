"""What the example services share: command line, log, health, metrics, faults, a clean end."""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from examples.faults import Faults


class UnavailableError(Exception):
    """Cannot serve now, for the reason given; answered as 503."""


class CannotStartError(Exception):
    """Something needed at start is missing, for the reason given; the process ends with code 1."""


class ServiceBase:
    """One small HTTP service. A subclass adds routes, a truthful `check` and what runs beside requests."""

    name: ClassVar[str]
    default_port: ClassVar[int]

    def __init__(self) -> None:
        self.log = logging.getLogger(self.name)
        self.faults = Faults(self.log)
        self.registry = CollectorRegistry()
        labels = ("route", "status")
        self._requests = Counter("http_requests", "Requests answered.", labels, registry=self.registry)
        self._errors = Counter(
            "http_errors", "Requests answered with 5xx.", ("route",), registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_seconds", "Time to answer.", ("route",), registry=self.registry
        )
        self._tasks: list[asyncio.Task[None]] = []

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    async def check(self) -> dict[str, Any]:
        """Do what the service is for, once. Raises UnavailableError, or whatever else users would meet."""
        raise NotImplementedError

    async def start(self) -> None:
        """Prepare before the port opens; raises CannotStartError."""

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something as long as the service lives."""
        self._tasks.append(asyncio.create_task(work))

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._observe])
        app.add_routes([web.get("/health", self._health), web.get("/metrics", self._metrics)])
        app.add_routes([*self.routes(), *self.faults.routes()])
        app.cleanup_ctx.append(self._life)
        return app

    async def _life(self, _app: web.Application) -> Any:
        async with ClientSession() as self.client:
            await asyncio.sleep(float(setting("START_DELAY_S", "0")))  # as what has much to load
            await self.start()
            self.log.info("started, pid %d", os.getpid())
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _health(self, _request: web.Request) -> web.Response:
        for task in self._tasks:
            if task.done():
                raise UnavailableError(f"background work ended: {task.exception()!r}")
        return web.json_response({"status": "ok", **await self.check()})

    async def _metrics(self, _request: web.Request) -> web.Response:
        page = generate_latest(self.registry)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    @web.middleware
    async def _observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count, time, turn exceptions into answers, and hang where that fault is on."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        await self.faults.maybe_hang(route)
        began = time.perf_counter()
        try:
            self.faults.maybe_fail(route)
            response = await handler(request)
        except web.HTTPException as answer:
            response = web.json_response({"error": answer.text or answer.reason}, status=answer.status)
        except UnavailableError as error:
            response = web.json_response({"status": "unhealthy", "reason": str(error)}, status=503)
        except Exception as error:
            self.log.exception("%s failed", route)
            reason = f"{type(error).__name__}: {error}"
            response = web.json_response({"status": "failing", "reason": reason}, status=500)
        self._seconds.labels(route).observe(time.perf_counter() - began)
        self._requests.labels(route, str(response.status)).inc()
        if response.status >= 500:
            self._errors.labels(route).inc()
        return response

    async def call(self, method: str, url: str, timeout_s: float, **request: Any) -> Any:
        """Ask another service; raises UnavailableError naming it."""
        try:
            async with self.client.request(
                method, url, timeout=ClientTimeout(timeout_s), **request
            ) as answer:
                if answer.status == 200:
                    return await answer.json()
                reason = f"answered {answer.status}: {(await answer.text())[:200]}"
        except TimeoutError:
            reason = f"gave no answer within {timeout_s:g} s"
        except ClientError as error:
            reason = f"cannot be reached: {error}"
        raise UnavailableError(f"dependency {url} {reason}")


def setting(name: str, default: str) -> str:
    """An environment variable; empty means not set."""
    return os.environ.get(name) or default


def run(service_type: type[ServiceBase]) -> None:
    """The command line of every example service."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    default_port = int(setting("PORT", str(service_type.default_port)))
    parser.add_argument("--port", type=int, default=default_port, help="default: $PORT or %(default)s")
    parser.add_argument("--host", default=setting("HOST", "127.0.0.1"))
    parser.add_argument("--log-file", default=setting("LOG_FILE", ""), help="default: $LOG_FILE, else stderr")
    options = parser.parse_args()
    _start_log(options.log_file)
    try:
        web.run_app(
            service_type().application(),
            host=options.host,
            port=options.port,
            access_log=None,
            print=None,
            shutdown_timeout=1.0,
        )
    except CannotStartError as error:
        logging.getLogger(service_type.name).error("cannot start: %s", error)  # noqa: TRY400
        sys.exit(1)
    except OSError as error:
        logging.getLogger(service_type.name).error("cannot listen: %s", error)  # noqa: TRY400
        sys.exit(1)


def _start_log(file: str) -> None:
    """All to the file, and what is wrong to stderr too, where a supervisor sees it."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handlers[0].setLevel(logging.WARNING)
        handlers.append(logging.FileHandler(file))
    logging.basicConfig(
        level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=handlers
    )
