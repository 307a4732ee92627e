"""Runs the application in uvicorn: a socket of our own, a clean end on SIGTERM."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from mlops.errors import BadInputError

GRACE_S = 8  # for requests in hand
KEEP_ALIVE_S = 75  # longer than clients keep theirs: a connection is not closed under a request
SWITCH_S = 0.0005  # so that a model being loaded in a thread holds nobody up


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, or BadInputError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInputError(
            f"cannot listen: {why}", where=f"{host}:{port}", do="choose another --port or --host"
        ) from None
    return listener


def serve(app: Any, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT, then answer what is in hand and write what waits; the exit code."""
    sys.setswitchinterval(SWITCH_S)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(app, listener))


async def _serve(app: Any, listener: socket.socket) -> int:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn drains and then raises the signal again for whoever listened before it: without us that is no exit 0
        loop.add_signal_handler(number, _end, server)
    await server.serve([listener])
    return 0 if server.started else 1


def _end(server: Any) -> None:
    server.should_exit = True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop  # type: ignore[no-any-return, unused-ignore]  # untyped where it is absent
