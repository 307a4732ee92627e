"""The JSON Schemas of both configurations, generated from their types. `python -m config.schema` writes it."""

import json
from pathlib import Path
from typing import Any

import msgspec

from config.model import Config
from config.monitoring import MonitoringConfig

PATH = Path(__file__).with_name("self_healing_config.schema.json")
OF_MODELS = Path(__file__).with_name("monitoring_config.schema.json")
_TYPES: dict[Path, tuple[type[msgspec.Struct], str]] = {
    PATH: (Config, "Nightwarden configuration"),
    OF_MODELS: (MonitoringConfig, "Nightwarden configuration of models and their data"),
}


def schema_text(path: Path = PATH) -> str:
    """The document as it must stand beside the configuration."""
    of, title = _TYPES[path]
    schema = msgspec.json.schema(of)
    for definition in schema["$defs"].values():
        for schema_of_field in definition.get("properties", {}).values():
            _drop_placeholder(schema_of_field)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**top, **schema}, indent=2) + "\n"


def _drop_placeholder(schema: dict[str, Any]) -> None:
    """A default that the field itself forbids stands for a value that the loader fills in."""
    if "minimum" in schema and schema.get("default", schema["minimum"]) < schema["minimum"]:
        del schema["default"]


if __name__ == "__main__":
    for path in _TYPES:
        path.write_text(schema_text(path), encoding="utf-8")
