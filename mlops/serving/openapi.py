"""The description of the API, exact for the champions of the moment: their features are its schemas."""

from typing import Any

import msgspec

from mlops.predictions.records import ID_FORM, Value
from mlops.serving.health import Health
from mlops.serving.labelling import AT_ONCE, Taken
from mlops.serving.predicting import Answer
from mlops.serving.refusals import Refusal, Trouble
from mlops.serving.slot import Slot
from mlops.serving.telling import Stats, Told

Json = dict[str, Any]
LARGEST = 1.7976931348623157e308
_STRUCTS = (Answer, Health, Refusal, Stats, Taken, Told, Trouble)
_, _COMPONENTS = msgspec.json.schema_components(_STRUCTS, ref_template="#/components/schemas/{name}")
NUMBER: Json = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}


def document(slots: dict[str, Slot], default: str, version: str) -> Json:
    paths: dict[str, Json] = {}
    schemas: dict[str, Json] = dict(_COMPONENTS)
    for name, slot in slots.items():
        schemas |= _schemas(slot)
        for prefix in ([""] if name == default else []) + [f"/models/{name}"]:
            paths |= _model_paths(slot, prefix)
    paths["/metrics"] = {
        "get": {
            "operationId": "metrics",
            "summary": "Everything that is counted, for Prometheus",
            "responses": {
                "200": {"description": "text", "content": {"text/plain": {"schema": {"type": "string"}}}}
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nightwarden models",
            "version": version,
            "description": "Predictions, their labels, and whether inference works.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _model_paths(slot: Slot, prefix: str) -> dict[str, Json]:
    key, about = slot.name, f" ({slot.name})"
    operation = f"{prefix.strip('/').replace('/', '_').replace('-', '_') or 'default'}_"

    def question(name: str, summary: str, struct: str, **others: Json) -> Json:
        responses = {"200": _response("the answer", struct), **others}
        return {"get": {"operationId": operation + name, "summary": summary + about, "responses": responses}}

    def command(name: str, summary: str, schema: str, struct: str, example: Any) -> Json:
        content = {"application/json": {"schema": _ref(f"{schema}_{key}"), "example": example}}
        return {
            "post": {
                "operationId": operation + name,
                "summary": summary + about,
                "requestBody": {"required": True, "content": content},
                "responses": {
                    "200": _response("the answer", struct),
                    "403": _response("sent by a page of another origin", "Trouble"),
                    "408": _response("the body was not there in time", "Trouble"),
                    "413": _response("the body is too large", "Trouble"),
                    "422": _response("bad input, with the field", "Refusal"),
                    "500": _response("the model failed at this row", "Trouble"),
                    "503": _response("no champion, or the disk did not take it", "Trouble"),
                },
            }
        }

    unwell = {"503": _response("it does not work", "Health")}
    absent = {"503": _response("there is no champion", "Trouble")}
    row = {} if slot.champion is None else slot.champion.canonical
    label = {"prediction_id": "pred_20261120T214533123Z_00c0ffee01000001", "label": _example(slot)}
    return {
        f"{prefix}/predict": command("predict", "Score one row", "Body", "Answer", row),
        f"{prefix}/labels": command("labels", "The truth about predictions, later", "Labels", "Taken", label),
        f"{prefix}/health": question("health", "Does inference work?", "Health", **unwell),
        f"{prefix}/model": question("model", "The champion and its card", "Told", **absent),
        f"{prefix}/monitoring/stats": question("stats", "What was counted since the start", "Stats"),
    }


def _schemas(slot: Slot) -> dict[str, Json]:
    row, label = _row(slot), _label(slot)
    nested = {"type": "object", "required": ["features"], "properties": {"features": row}}
    one: Json = {
        "type": "object",
        "required": ["prediction_id", "label"],
        "properties": {"prediction_id": {"type": "string", "pattern": ID_FORM}, "label": label},
    }
    flat = row if "features" in row["properties"] else {**row, "not": {"required": ["features"]}}
    forms = [flat] if flat is row else [flat, nested]
    return {
        f"Body_{slot.name}": {"anyOf": forms},
        f"Labels_{slot.name}": {
            "anyOf": [one, {"type": "array", "minItems": 1, "maxItems": AT_ONCE, "items": one}]
        },
    }


def _row(slot: Slot) -> Json:
    if slot.champion is None:
        return {"type": "object", "properties": {}}
    encoder = slot.champion.model.encoder
    properties: Json = {
        field.name: {**NUMBER, "type": ["number", "null"]} if field.nullable else NUMBER
        for field in encoder.numbers
    }
    for word in encoder.categories:
        known = ", ".join(word.values[:20])
        kind: Any = ["string", "null"] if word.nullable else "string"
        properties[word.name] = {
            "type": kind,
            "description": f"known: {known}; others count as none of these",
        }
    return {"type": "object", "required": list(properties), "properties": properties}


def _label(slot: Slot) -> Json:
    classes = None if slot.champion is None else slot.champion.classes
    if classes is None:
        return NUMBER
    return {"enum": list(dict.fromkeys([*classes, *map(str, classes)]))}


def _example(slot: Slot) -> Value:
    positive = None if slot.champion is None else slot.champion.positive
    return 1.5 if positive is None else positive


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(about: str, struct: str) -> Json:
    return {"description": about, "content": {"application/json": {"schema": _ref(struct)}}}
