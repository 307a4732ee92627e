"""The FastAPI application: routes, their slots, and what runs beside the requests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from config.monitoring import Serving
from mlops.places import Places
from mlops.serving.health import Doctor
from mlops.serving.keeping import Keeper
from mlops.serving.labelling import NotKeptError, take
from mlops.serving.openapi import document
from mlops.serving.predicting import FOREIGN, TOO_SLOW, Predict, unready
from mlops.serving.refusals import RefusedError, Trouble, decoded
from mlops.serving.shadowing import Shadowing
from mlops.serving.slot import Slot
from mlops.serving.telling import families, stats, told
from mlops.serving.watching import Watcher
from mlops.serving.wire import ForeignError, GoneError, TooLargeError, TooSlowError, encode, read_body
from utils.metrics_collector import CONTENT_TYPE, Renderer

PAGE = Path(__file__).with_name("docs.html")
NOT_KEPT = "the labels are not on disk yet; send them again, one that is there already counts once"


class Service:
    """The slots, and the machinery that serves them."""

    def __init__(
        self,
        places: Places,
        names: Sequence[str],
        default: str,
        limits: Serving,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._ready = ready
        self.default, self.limits = default, limits
        self.slots = {
            name: Slot(places, name, log_room=limits.log_room, keep_days=limits.keep_days) for name in names
        }
        self.shadowing = Shadowing(limits.shadow_room)
        self.keeper = Keeper(list(self.slots.values()))
        self.watcher = Watcher(self.slots.values(), limits.poll_s)
        self.doctor = Doctor()
        self.renderer = Renderer()

    @contextlib.asynccontextmanager
    async def running(self, _app: Any = None) -> AsyncIterator[None]:
        """From the first look at the registry to the last line on disk."""
        await asyncio.to_thread(self.watcher.start)
        tasks = [asyncio.create_task(each.run()) for each in (self.keeper, self.shadowing)]
        self._ready()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.watcher.stop)
            self.shadowing.work(seconds=1.0)
            await asyncio.to_thread(self.keeper.close)


Endpoint = Callable[[Any], Awaitable[Any]]


def application(service: Service, version: str) -> Any:
    """The ASGI application that a server runs."""
    from fastapi import FastAPI
    from starlette.responses import HTMLResponse, Response

    app = FastAPI(
        title="Nightwarden models", version=version, docs_url=None, redoc_url=None, lifespan=service.running
    )
    app.openapi = lambda: document(service.slots, service.default, version)
    for name, slot in service.slots.items():
        for prefix in ([""] if name == service.default else []) + [f"/models/{name}"]:
            _routes(app, service, slot, prefix)

    async def metrics(_request: Any) -> Any:
        body = await service.renderer.render(families(list(service.slots.values())))
        return Response(body, headers={"content-type": CONTENT_TYPE})

    async def page(_request: Any) -> Any:
        return HTMLResponse(PAGE.read_bytes())

    app.add_route("/metrics", metrics, methods=["GET"])
    app.add_route("/docs", page, methods=["GET"])
    return app


async def _labelled(service: Service, slot: Slot, request: Any) -> tuple[object, int]:
    """What is answered, and its status."""
    if slot.champion is None:
        return unready(slot), 503
    limit = service.limits.max_body_bytes
    try:
        body = await read_body(request.scope, request.receive, limit)
        return await take(slot, slot.champion, decoded(body), service.keeper.labels), 200
    except RefusedError as error:
        return error.refusal, 422
    except TooLargeError:
        return Trouble(f"the body exceeds {limit} bytes"), 413
    except ForeignError:
        return FOREIGN, 403
    except TooSlowError:
        return TOO_SLOW, 408
    except GoneError:
        return Trouble("the client left before its request was complete"), 400
    except NotKeptError as error:
        return Trouble(f"{error}; {NOT_KEPT}"), 503


def _routes(app: Any, service: Service, slot: Slot, prefix: str) -> None:
    from starlette.responses import Response
    from starlette.routing import Route

    def reply(value: object, status: int = 200) -> Any:
        return Response(encode(value), status, media_type="application/json")

    async def labels(request: Any) -> Any:
        return reply(*await _labelled(service, slot, request))

    async def health(_request: Any) -> Any:
        found = service.doctor.look(slot)
        return reply(found, 503 if found.status == "failing" else 200)

    async def model(_request: Any) -> Any:
        found = told(slot)
        return reply(unready(slot), 503) if found is None else reply(found)

    async def monitoring(_request: Any) -> Any:
        return reply(stats(slot))

    predict = Predict(slot, service.shadowing, service.limits.max_body_bytes)
    app.router.routes.append(Route(f"{prefix}/predict", predict, methods=["POST"]))
    asked: list[tuple[str, Endpoint]] = [
        ("health", health),
        ("model", model),
        ("monitoring/stats", monitoring),
    ]
    for path, endpoint in asked:
        app.add_route(f"{prefix}/{path}", endpoint, methods=["GET"])
    app.add_route(f"{prefix}/labels", labels, methods=["POST"])
