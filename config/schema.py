"""The JSON Schema of the configuration, generated from its types. `python -m config.schema` writes it."""

import json
from pathlib import Path
from typing import Any

import msgspec

from config.model import Config

PATH = Path(__file__).with_name("self_healing_config.schema.json")


def schema_text() -> str:
    """The document as it must stand beside the configuration."""
    schema = msgspec.json.schema(Config)
    for definition in schema["$defs"].values():
        for schema_of_field in definition.get("properties", {}).values():
            _drop_placeholder(schema_of_field)
    top = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Nightwarden configuration",
    }
    return json.dumps({**top, **schema}, indent=2) + "\n"


def _drop_placeholder(schema: dict[str, Any]) -> None:
    """A default that the field itself forbids stands for a value that the loader fills in."""
    if "minimum" in schema and schema.get("default", schema["minimum"]) < schema["minimum"]:
        del schema["default"]


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
