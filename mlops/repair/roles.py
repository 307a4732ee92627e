"""Which columns of a table models do not want repaired."""

from collections.abc import Iterable
from pathlib import Path

from config.monitoring import ModelSpec


def roles(table: Path, models: Iterable[ModelSpec], root: Path) -> dict[str, str]:
    """Column -> "target", "time" or "ignored", by the models whose data this table is."""
    found: dict[str, str] = {}
    for spec in models:
        if (root / spec.data).resolve() == table.resolve():
            found |= dict.fromkeys(spec.ignored, "ignored")
            found |= {spec.time_column: "time"} if spec.time_column else {}
            found[spec.target] = "target"
    return found
