"""The fault proxy: a program of its own between services and what they depend on, with the HTTP API of toxiproxy.

    python -m platforms.chaos.proxy --listen 127.0.0.1:8474 --proxy pricing=127.0.0.1:9102,127.0.0.1:9002

Each --proxy is NAME=LISTEN,UPSTREAM. A toxic may carry "expires_s": it goes by itself after that, whoever put it there.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from platforms.chaos.relay import Relay, address
from platforms.chaos.toxics import Toxic, changed, parse

VERSION = "2.9.0-nightwarden"  # whose API this speaks


class Refused(Exception):  # noqa: N818 - it becomes an answer
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class Proxies:
    """All relays, and the API over them."""

    def __init__(self) -> None:
        self._relays: dict[str, Relay] = {}

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_answered])
        app.add_routes(
            [
                web.get("/version", self._version),
                web.get("/proxies", self._list),
                web.post("/proxies", self._create),
                web.post("/populate", self._populate),
                web.post("/reset", self._reset),
                web.get("/proxies/{proxy}", self._show),
                web.post("/proxies/{proxy}", self._update),
                web.patch("/proxies/{proxy}", self._update),
                web.delete("/proxies/{proxy}", self._delete),
                web.get("/proxies/{proxy}/toxics", self._toxics),
                web.post("/proxies/{proxy}/toxics", self._add),
                web.get("/proxies/{proxy}/toxics/{toxic}", self._toxic),
                web.post("/proxies/{proxy}/toxics/{toxic}", self._change),
                web.patch("/proxies/{proxy}/toxics/{toxic}", self._change),
                web.delete("/proxies/{proxy}/toxics/{toxic}", self._remove),
            ]
        )
        app.on_cleanup.append(self._close)
        return app

    async def make(self, name: str, listen: str, upstream: str, *, enabled: bool = True) -> Relay:
        if not name or not upstream:
            raise Refused(
                400, "missing required field: name" if not name else "missing required field: upstream"
            )
        if name in self._relays:
            raise Refused(409, f"proxy already exists: {name}")
        for each in (listen, upstream):
            address(each)
        relay = Relay(name, listen, upstream)
        if enabled:
            await relay.start()
        self._relays[name] = relay
        return relay

    # --- proxies ---

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({name: relay.shown() for name, relay in self._relays.items()})

    async def _create(self, request: web.Request) -> web.Response:
        return web.json_response((await self._made(await _body(request))).shown(), status=201)

    async def _made(self, asked: dict[str, Any]) -> Relay:
        return await self.make(
            str(asked.get("name", "")),
            str(asked.get("listen", "127.0.0.1:0")),
            str(asked.get("upstream", "")),
            enabled=bool(asked.get("enabled", True)),
        )

    async def _populate(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if not isinstance(wanted, list):
            raise Refused(400, "bad request body: wanted a list of proxies")
        for asked in wanted:
            known = self._relays.get(str(asked.get("name", "")))
            if known is not None and (known.listen, known.upstream) == (
                asked.get("listen"),
                asked.get("upstream"),
            ):
                continue
            if known is not None:
                await self._forget(known)
            await self._made(asked)
        shown = [self._relays[str(asked["name"])].shown() for asked in wanted]
        return web.json_response({"proxies": shown}, status=201)

    async def _reset(self, _: web.Request) -> web.Response:
        for relay in self._relays.values():
            for name in tuple(relay.toxics):
                relay.remove(name)
            await relay.start()
        return web.Response(status=204)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._relay(request).shown())

    async def _update(self, request: web.Request) -> web.Response:
        relay, asked = self._relay(request), await _body(request)
        listen, upstream = str(asked.get("listen", relay.listen)), str(asked.get("upstream", relay.upstream))
        enabled = bool(asked.get("enabled", relay.enabled))
        address(listen)
        address(upstream)
        if (listen, upstream) != (relay.listen, relay.upstream) or not enabled:
            await relay.stop()
            relay.listen, relay.upstream = listen, upstream
        if enabled:
            await relay.start()
        return web.json_response(relay.shown())

    async def _delete(self, request: web.Request) -> web.Response:
        await self._forget(self._relay(request))
        return web.Response(status=204)

    async def _forget(self, relay: Relay) -> None:
        await relay.stop()
        del self._relays[relay.name]

    # --- toxics ---

    async def _toxics(self, request: web.Request) -> web.Response:
        return web.json_response([toxic.shown() for toxic in self._relay(request).toxics.values()])

    async def _add(self, request: web.Request) -> web.Response:
        relay, toxic = self._relay(request), parse(await _body(request))
        if toxic.name in relay.toxics:
            raise Refused(409, f"toxic already exists: {toxic.name}")
        relay.put(toxic)
        return web.json_response(toxic.shown())

    async def _toxic(self, request: web.Request) -> web.Response:
        return web.json_response(self._known(request)[1].shown())

    async def _change(self, request: web.Request) -> web.Response:
        relay, toxic = self._known(request)
        toxic = changed(toxic, await _body(request))
        relay.put(toxic)
        return web.json_response(toxic.shown())

    async def _remove(self, request: web.Request) -> web.Response:
        relay, toxic = self._known(request)
        relay.remove(toxic.name)
        return web.Response(status=204)

    def _relay(self, request: web.Request) -> Relay:
        relay = self._relays.get(request.match_info["proxy"])
        if relay is None:
            raise Refused(404, "proxy not found")
        return relay

    def _known(self, request: web.Request) -> tuple[Relay, Toxic]:
        relay = self._relay(request)
        toxic = relay.toxics.get(request.match_info["toxic"])
        if toxic is None:
            raise Refused(404, "toxic not found")
        return relay, toxic

    async def _close(self, _: web.Application) -> None:
        for relay in self._relays.values():
            await relay.stop()


@web.middleware
async def _answered(request: web.Request, handler: Any) -> web.StreamResponse:
    """Errors as toxiproxy tells them."""
    try:
        response: web.StreamResponse = await handler(request)
    except Refused as refused:
        return web.json_response({"error": str(refused), "status": refused.status}, status=refused.status)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        return web.json_response({"error": f"bad request body: {error}", "status": 400}, status=400)
    except OSError as error:
        return web.json_response({"error": str(error), "status": 500}, status=500)
    return response


async def _body(request: web.Request) -> dict[str, Any]:
    body = json.loads(await request.text() or "{}")
    if not isinstance(body, dict):
        raise TypeError("wanted an object")
    return body


async def serve(listen: str, proxies: Sequence[tuple[str, str, str]]) -> web.AppRunner:
    """Raises OSError where an address cannot be had, ValueError where one is none."""
    every = Proxies()
    runner = web.AppRunner(every.application(), access_log=None)
    await runner.setup()
    try:
        for name, inside, upstream in proxies:
            await every.make(name, inside, upstream)
        host, port = address(listen)
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def _proxy(text: str) -> tuple[str, str, str]:
    name, _, rest = text.partition("=")
    listen, comma, upstream = rest.partition(",")
    if not (name and comma):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=LISTEN,UPSTREAM")
    return name, listen, upstream


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m platforms.chaos.proxy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen", default="127.0.0.1:8474", metavar="HOST:PORT", help="of the API, default: %(default)s"
    )
    parser.add_argument("--proxy", action="append", default=[], type=_proxy, metavar="NAME=LISTEN,UPSTREAM")
    options = parser.parse_args()

    async def run() -> None:
        import signal

        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        runner = await serve(options.listen, options.proxy)
        try:
            await ended.wait()
        finally:
            await runner.cleanup()

    try:
        asyncio.run(run())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot serve: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
