"""How every answer looks: JSON bodies, errors that name what is wrong, headers that keep browsers careful."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from dashboard.paging import ParameterError
from dashboard.view import CommandRefusedError, Desk

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("nightwarden.dashboard")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    417: "bad_request",
}
_MESSAGES = {
    404: "nothing is here; /openapi.json lists what is",
    405: "this address does not take the method; the Allow header lists those it takes",
    413: "the body is larger than this server reads",
}


def as_json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json", headers=headers
    )


def problem(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
) -> web.Response:
    return as_json({"error": {"code": code, "message": message, **details}}, status, headers)


def starting(desk: Desk) -> web.Response:
    return problem(503, "starting", desk.waits(), {"Retry-After": "1"})


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is JSON; what we did not foresee is logged and answered without its details."""
    try:
        return await handler(request)
    except ParameterError as error:
        return problem(400, "bad_parameter", str(error), parameter=error.parameter)
    except CommandRefusedError as error:  # of a read: the daemon elsewhere that has it does not answer
        return problem(503, "unanswered", str(error), {"Retry-After": "5"})
    except web.HTTPException as error:
        kept = {name: value for name, value in error.headers.items() if name in {"Allow", "Location"}}
        message = _MESSAGES.get(error.status, error.reason)
        return problem(error.status, _CODES.get(error.status, "refused"), message, kept)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(500, "internal", "this is a fault of ours; the log has it")


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
