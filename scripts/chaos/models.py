"""Scenarios of a model in use: its table is damaged, a bad version is promoted, and requests as ever."""

import asyncio
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.chaos.cell import Cell
from scripts.chaos.scenario import Scenario

if TYPE_CHECKING:  # what it imports is heavy, and only one stage needs it
    from scripts.healing_ground import Ground

LIFE = "model in use"
USUAL, SOME = 600, 250
ENVIRON = {"MONITORING_INTERVAL": "1", "MONITORING_LOOKBACK": "0.02"}
DAMAGED_ROWS = 40


def ground_of(cell: Cell) -> "Ground":
    from scripts.healing_ground import Ground

    return Ground(cell.folder / "model")


def model(cell: Cell) -> list[dict[str, Any]]:
    """Trained, promoted, and with the reference of its monitoring, as a user would have it."""
    from mlops.monitoring.bootstrap import from_table
    from mlops.tables import write_table
    from mlops.training.renewal import renew
    from scripts.healing_ground import MODEL, calm

    ground = ground_of(cell)
    table = calm(4000, seed=1)  # nothing of it is damaged before somebody damages it
    write_table(table, ground.table)
    renew(ground.spec, table, ground.places, tracking=False)
    from_table(ground.spec, ground.places, ground.table, time.time())
    config = ground.root / "config/monitoring_config.json"
    platform = {"type": "model", "model": MODEL, "root": str(ground.root), "config": str(config)}
    return [{"name": cell.service("model"), "platform": platform}]


def requests(cell: Cell, rows: int) -> Callable[[], None]:
    def ask() -> None:
        from mlops.generators import credit_risk

        ground_of(cell).serve(credit_risk(rows, os.getpid() + time.monotonic_ns() % 100_000), span_s=2.0)

    return ask


async def usual_requests(cell: Cell) -> None:
    await asyncio.to_thread(requests(cell, USUAL))


async def requests_for_a_while(cell: Cell) -> None:
    for _ in range(5):
        await asyncio.to_thread(requests(cell, SOME))
        await asyncio.sleep(4.0)


async def with_whole_table(cell: Cell) -> None:
    await usual_requests(cell)

    def whole() -> bool:
        return b"n/a" not in ground_of(cell).table.read_bytes()

    cell.held["well"] = whole


async def with_first_version(cell: Cell) -> None:
    await usual_requests(cell)

    def first() -> bool:
        from mlops.registry.reader import Reader
        from scripts.healing_ground import MODEL

        return Reader(ground_of(cell).places, MODEL).champion() == 1

    cell.held["well"] = first


async def damage_table(cell: Cell) -> None:
    """Cells as a bad export leaves them."""

    def damage(path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        for row in range(10, 10 + 5 * DAMAGED_ROWS, 5):
            lines[row] = b",".join((b"n/a", lines[row].split(b",", 1)[1]))
        path.write_bytes(b"\n".join(lines))

    await asyncio.to_thread(damage, ground_of(cell).table)


async def promote_bad_version(cell: Cell) -> None:
    """Trained with the classes swapped, and promoted by somebody who was sure of it."""

    def promote() -> None:
        from mlops.generators import credit_risk
        from mlops.tables.table import make_table
        from mlops.training.renewal import renew

        ground, good = ground_of(cell), credit_risk(4000, seed=1)
        flipped = make_table({**good.columns, "default": 1 - good.column("default")}, good.kinds)
        renew(ground.spec, flipped, ground.places, tracking=False, promote=True)

    await asyncio.to_thread(requests(cell, SOME))
    await asyncio.to_thread(promote)
    for _ in range(4):
        await asyncio.to_thread(requests(cell, SOME))
        await asyncio.sleep(2.0)


def no_pandera() -> str:
    return "" if find_spec("pandera") else "pandera is not installed (extra mlops)"


def scenarios() -> list[Scenario]:
    base: dict[str, Any] = {"family": LIFE, "build": model, "environ": ENVIRON, "lone": True}
    return [
        Scenario(name="table-damaged", fault="cells of its table are damaged", prepare=with_whole_table, do=damage_table,
                 culprit="model", causes=("data_quality",), lacks=no_pandera, limit_s=90.0, **base),
        Scenario(name="bad-version-promoted", fault="a version trained on wrong labels is promoted by hand",
                 prepare=with_first_version, do=promote_bad_version, culprit="model", causes=("model_degradation",),
                 limit_s=90.0, **base),
        Scenario(name="model-as-usual", fault="requests as ever", prepare=usual_requests, do=requests_for_a_while, **base),
    ]  # fmt: skip
