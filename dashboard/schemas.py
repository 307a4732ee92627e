"""What the objects of the HTTP answers hold, in JSON Schema as OpenAPI 3.1 takes it."""

from typing import Any

from dashboard.paging import HEALTH, INCIDENT_STATUS, MAINTENANCE_STATUS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339 in UTC, ending in Z."}
TEXTS: Schema = {"type": "array", "items": TEXT}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def record(required: Schema, optional: Schema | None = None, about: str = "") -> Schema:
    """An object; more keys may come with time."""
    described = {"description": about} if about else {}
    return {
        "type": "object",
        **described,
        "required": list(required),
        "properties": required | (optional or {}),
    }


SURE: Schema = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": "Of this cause against all others; 0 where it is unknown.",
}
CAUSE = record({"name": TEXT, "service": TEXT, "confidence": SURE, "evidence": TEXTS})
FAULT = record({"at": TIME, "symptom": TEXT, "cause": maybe({"$ref": "#/components/schemas/Cause"})})
ACT = record(
    {
        "fix": TEXT,
        "layer": TEXT,
        "outcome": TEXT,
        "started_at": TIME,
        "seconds": maybe(NUMBER),
        "undone": {"type": "boolean"},
    },
    {
        "service": TEXT,
        "cause": TEXT,
        "reason": TEXT,  # where an incident met several faults
        "needed": {"type": "boolean"},  # false: a last look found nothing to do
        "undo": TEXT,
    },  # what taking it back would do, where it could be
)
INCIDENT = record(
    {
        "id": TEXT,
        "service": TEXT,
        "status": {"enum": list(INCIDENT_STATUS)},
        "opened_at": TIME,
        "closed_at": maybe(TIME),
        "symptoms": TEXTS,
        "cause": maybe({"$ref": "#/components/schemas/Cause"}),
        "rivals": {"type": "array", "items": {"$ref": "#/components/schemas/Cause"}},
        "acts": {"type": "array", "items": {"$ref": "#/components/schemas/Act"}},
        "message": TEXT,
    },
    {"faults": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}}},
)
SAID: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "approval": TEXT,
        "typed": TEXT,
        "for_s": {"type": "number", "minimum": 0, "maximum": 604800},
    },
}
ANSWERED = record({"command": TEXT, "incident": TEXT, "answer": TEXT, "durable": {"type": "boolean"}})
BACKUP = record(
    {"service": TEXT, "target": TEXT, "ok": {"type": "boolean"}, "proven_at": maybe(TIME), "tried_at": TIME},
    {"backup": TEXT, "seconds": NUMBER, "size_bytes": COUNT, "rows": COUNT, "problem": TEXT},
    about="What the last restore into a scratch place gave.",
)
SERVICE = record(
    {"name": TEXT, "health": {"enum": list(HEALTH)}},
    {
        "since": maybe(TIME),
        "reason": TEXT,
        "incarnation": TEXT,
        "pid": maybe({"type": "integer"}),
        "autonomy": TEXT,
        "depends_on": TEXTS,
        "cpu_percent": maybe(NUMBER),
        "rss_mib": maybe(NUMBER),
        "open_incident": maybe(TEXT),
        "learnt": TEXTS,
        "backups": {"type": "array", "items": {"$ref": "#/components/schemas/Backup"}},
    },
)
AGENT = record(
    {"name": TEXT, "status": {"enum": ["running", "restarting", "silent", "given_up"]}},
    {
        "handled": COUNT,
        "failed": COUNT,
        "inbox": COUNT,
        "restarts": COUNT,
        "lag_s": maybe(NUMBER),
        "open_incident": maybe(TEXT),
    },
)
PREDICTION = record(
    {"id": TEXT, "at": TIME, "service": TEXT, "failure": TEXT},
    {
        "metric": TEXT,
        "value": NUMBER,
        "limit": NUMBER,
        "lead_time_s": NUMBER,
        "confidence": NUMBER,
        "reasons": TEXTS,
    },
)
MAINTENANCE = record(
    {
        "id": TEXT,
        "service": TEXT,
        "status": {"enum": list(MAINTENANCE_STATUS)},
        "failure": TEXT,
        "start_at": TIME,
        "fails_at": TIME,
    },
    {
        "metric": TEXT,
        "fix": TEXT,  # empty: people have to
        "scheduled_at": TIME,
        "disturbs": TEXTS,
        "reasons": TEXTS,
        "reason": TEXT,
        "by": TEXT,
        "seconds": maybe(NUMBER),
    },
)
ANOMALY = record(
    {"id": TEXT, "at": TIME, "service": TEXT, "metric": TEXT},
    {"value": NUMBER, "expected": NUMBER, "sigmas": NUMBER},
)
METRIC = record({"service": TEXT, "name": TEXT, "value": maybe(NUMBER)}, {"at": TIME})
TRACE = record({"trace_id": TEXT, "spans": {"type": "array", "items": {"type": "object"}}}, {"service": TEXT})
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COVERAGE = record(
    {
        "resilience_score": {"type": "number", "minimum": 0, "maximum": 100},
        "coverage": SHARE,
        "proven": COUNT,
        "offered": COUNT,
        "recovery_s": record({"count": COUNT, "median": maybe(NUMBER), "p95": maybe(NUMBER)}),
        "cells": {
            "type": "array",
            "items": record(
                {
                    "cause": TEXT,
                    "layer": TEXT,
                    "proven_at": maybe(TIME),
                    "healed": COUNT,
                    "failed": COUNT,
                    "value": SHARE,
                }
            ),
        },
    }
)
SUMMARY = record(
    {
        "overall_health": {"enum": ["healthy", "degraded", "critical", "unknown"]},
        "notices": TEXTS,
        "auto_fix_success_rate": maybe(NUMBER),
        "rollbacks_7d": COUNT,
        "retrains_30d": COUNT,
        "recoveries": COUNT,
        "mttd_s": maybe(NUMBER),
        "mttr_s": maybe(NUMBER),
        "manual_interventions": COUNT,
        "acts_by_day": {
            "type": "object",
            "description": "Day (UTC) → fix → how many acts.",
            "additionalProperties": {"type": "object", "additionalProperties": COUNT},
        },
    }
)
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
ALERT = record({"status": {"enum": ["firing", "resolved"]}, "labels": LABELS}, {"annotations": LABELS})
RENDER_EVENT = record(
    {"type": TEXT, "data": record({"id": TEXT, "serviceId": TEXT}, {"serviceName": TEXT})},
    {"timestamp": TEXT},
)
ERROR = record(
    {"error": record({"code": TEXT, "message": TEXT}, {"parameter": TEXT})},
    about="What is wrong, and for a parameter which one.",
)
SCHEMAS: dict[str, Schema] = {
    "Act": ACT,
    "Agent": AGENT,
    "Answered": ANSWERED,
    "AlertGroup": record({"alerts": {"type": "array", "items": ALERT}}),
    "Anomaly": ANOMALY,
    "Backup": BACKUP,
    "Cause": CAUSE,
    "Coverage": COVERAGE,
    "Fault": FAULT,
    "Error": ERROR,
    "Incident": INCIDENT,
    "Maintenance": MAINTENANCE,
    "Metric": METRIC,
    "Prediction": PREDICTION,
    "RenderEvent": RENDER_EVENT,
    "Said": SAID,
    "Service": SERVICE,
    "Status": record({"status": TEXT}),
    "Durable": record({"command": TEXT, "service": TEXT, "durable": {"const": True}}),
    "Summary": SUMMARY,
    "Taken": record({"received": COUNT, "news": COUNT, "durable": {"const": True}}),
    "Trace": TRACE,
}
