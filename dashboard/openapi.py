"""The OpenAPI 3.1 document of the HTTP surface, made from the same tables that the handlers read."""

from functools import cache
from typing import Any

from dashboard.paging import CURSOR, LISTINGS, MAX_NAME, PAGE, Listing
from dashboard.schemas import SCHEMAS, Schema

_ERRORS = {
    400: "The request or a parameter cannot be used.",
    401: "The bearer token is missing or wrong.",
    403: "No token is configured, so commands are refused.",
    404: "There is no such thing.",
    405: "The address does not take this method.",
    408: "The body did not arrive in time.",
    409: "The command cannot be carried out as things stand.",
    413: "The body is too large.",
    429: "Too many at once; try again.",
    503: "Starting, or the state folder cannot be written.",
}
_ITEMS = {
    "incidents": "Incident",
    "services": "Service",
    "agents": "Agent",
    "predictions": "Prediction",
    "maintenance": "Maintenance",
    "anomalies": "Anomaly",
    "metrics": "Metric",
    "traces": "Trace",
}


@cache
def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nightwarden",
            "version": "1",
            "description": "What the daemon knows and did. Times are RFC 3339 in UTC.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {**_plain(), **_lists(), **_commands(), **_webhooks()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "NIGHTWARDEN_TOKEN"},
                "alerts": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "ALERTMANAGER_WEBHOOK_SECRET or, where there is none, NIGHTWARDEN_TOKEN; also as the password of Basic.",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "Standard Webhooks: HMAC-SHA256 of id.timestamp.body by RENDER_WEBHOOK_SECRET.",
                },
            },
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(description: str, media_type: str) -> Schema:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}


def _operation(name: str, about: str, good: Schema, errors: tuple[int, ...] = (), **more: Any) -> Schema:
    failures = {str(status): _json(_ERRORS[status], _ref("Error")) for status in (400, 405, *errors)}
    return {"operationId": name, "summary": about, "responses": {"200": good, **failures}, **more}


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": about}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _plain() -> dict[str, Any]:
    status, summary = _json("Yes.", _ref("Status")), _json("Figures.", _ref("Summary"))
    incident, stream = _json("The incident.", _ref("Incident")), _text("Events.", "text/event-stream")
    report = {
        "description": "A page that loads nothing, or Markdown.",
        "content": {kind: {"schema": {"type": "string"}} for kind in ("text/html", "text/markdown")},
    }
    exposition = _text("Prometheus text format.", "text/plain")
    last_id = {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}
    backlog = _query(
        "backlog", {"type": "integer", "minimum": 0, "maximum": 1000}, "How many past facts come first."
    )
    operations = {
        "/": _operation("page", "The page for people.", _text("HTML.", "text/html")),
        "/health": _operation("health", "Is the process alive?", status),
        "/ready": _operation("ready", "Are all agents restored and do probes run?", status, (503,)),
        "/openapi.json": _operation("openapi", "This document.", _json("OpenAPI 3.1.", {"type": "object"})),
        "/metrics": _operation("exposition", "Our own metrics for Prometheus.", exposition),
        "/observability/summary": _operation("summary", "The whole in a few figures.", summary, (503,)),
        "/observability/coverage": _operation(
            "coverage",
            "Which faults were proven healed within 30 days.",
            _json("The matrix.", _ref("Coverage")),
            (503,),
        ),
        "/observability/coverage.svg": _operation(
            "badge", "The same as a badge.", _text("SVG.", "image/svg+xml"), (503,)
        ),
        "/coverage": _operation("coveragePage", "The same for people.", _text("HTML.", "text/html"), (503,)),
        "/observability/incidents/{id}": _operation(
            "incident", "One incident.", incident, (404, 503), parameters=[_path("id")]
        ),
        "/reports/{id}": _operation(
            "report",
            'The report of an incident; with ".md" behind the id as Markdown.',
            report,
            (404, 503),
            parameters=[_path("id")],
        ),
        "/observability/stream": _operation(
            "stream", "Facts as they happen.", stream, (429, 503), parameters=[backlog, last_id]
        ),
    }
    return {path: {"get": operation} for path, operation in operations.items()}


def _lists() -> dict[str, Any]:
    return {f"/observability/{listing.name}": {"get": _list(listing)} for listing in LISTINGS}


def _list(listing: Listing) -> Schema:
    schemas: dict[str, tuple[Schema, str]] = {
        "limit": ({"type": "integer", "minimum": 1, "maximum": PAGE, "default": PAGE}, "How many at most."),
        "cursor": ({"type": "string", "pattern": f"^{CURSOR}$"}, 'The "next" of the page before.'),
        "status": ({"enum": list(listing.statuses)}, "Only these; every status where not given."),
        "service": ({"type": "string", "minLength": 1, "maxLength": MAX_NAME}, "Only of this service."),
    }
    answer = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "maxItems": PAGE, "items": _ref(_ITEMS[listing.name])},
            "next": {"type": ["string", "null"]},
        },
    }
    parameters = [_query(name, *schemas[name]) for name in listing.parameters]
    return _operation(listing.name, listing.about, _json("One page.", answer), (503,), parameters=parameters)


def _commands() -> dict[str, Any]:
    errors = (401, 403, 408, 409, 413, 429, 503)
    good = _json("Done and durable.", _ref("Durable"))
    security: list[Schema] = [{"token": []}]
    paths: dict[str, Any] = {}
    for name, about in (
        ("stop", "Stop a service and leave it stopped."),
        ("start", "Start a stopped service."),
    ):
        operation = _operation(
            name, about, good, (404, *errors), parameters=[_path("name")], security=security
        )
        paths[f"/api/services/{{name}}/{name}"] = {"post": operation}
    for name, about in (("pause", "Take no action until resumed."), ("resume", "Act again.")):
        paths[f"/api/{name}"] = {"post": _operation(name, about, good, errors, security=security)}
    return paths | _words(errors, security)


def _webhooks() -> dict[str, Any]:
    """News of other monitoring systems."""
    good = _json("Taken and durable; `news` counts what was not known yet.", _ref("Taken"))
    paths: dict[str, Any] = {}
    for name, about, body, scheme in (
        ("alertmanager", "Alerts of a Prometheus Alertmanager.", "AlertGroup", "alerts"),
        ("render", "Events of Render, signed.", "RenderEvent", "signature"),
    ):
        operation = _operation(
            f"{name}Webhook", about, good, (401, 403, 408, 413, 429, 503), security=[{scheme: []}],
            requestBody={"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        )  # fmt: skip
        paths[f"/webhooks/{name}"] = {"post": operation}
    return paths


def _words(errors: tuple[int, ...], security: list[Schema]) -> dict[str, Any]:
    """What a person says about an incident."""
    body = {"required": False, "content": {"application/json": {"schema": _ref("Said")}}}
    about = {
        "approve": "Agree to the act that the incident asks for.",
        "deny": "Say no to it, for this incident.",
        "snooze": "Be asked again later.",
        "undo": "Take the incident's newest act back.",
        "veto": "Say no to a plan of maintenance, for as long as this life of the service lasts.",
    }
    return {
        f"/api/{'maintenance' if word == 'veto' else 'incidents'}/{{id}}/{word}": {
            "post": _operation(
                word, text, _json("Taken and durable.", _ref("Answered")), errors,
                parameters=[_path("id")], requestBody=body, security=security,
            )
        }
        for word, text in about.items()
    }  # fmt: skip
