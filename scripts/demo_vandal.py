"""Who breaks things in `make demo-mlops`: plain files, plain signals, plain HTTP, and a person's own mistake."""

import itertools
from pathlib import Path

import numpy as np

from config.monitoring import ModelSpec, load_monitoring
from mlops.generators import Drift, credit_risk
from mlops.places import Places
from mlops.registry.registry import Registry
from mlops.serving.client import Client
from mlops.tables import Table, read_table
from mlops.tables.table import make_table
from mlops.training.train import train
from scripts.service_ways import listener

BATCH = 250
CHANGED = Drift(shifts={"age": -1.0, "income": -1.0, "credit_score": -1.0}, concept=0.3)
DAMAGED_ROWS = 40


class Vandal:
    """`asked` and `failed` count the requests of all rounds."""

    def __init__(self, root: Path, port: int) -> None:
        self._places, self._port = Places(root), port
        self._spec: ModelSpec = load_monitoring(root / "config/monitoring_config.json", {}).model()
        self._seeds = itertools.count(1000)
        self.asked = self.failed = 0

    # --- what users do ---

    def usual_requests(self) -> None:
        self._ask(600, Drift())

    def some_requests(self) -> None:
        self._ask(BATCH, Drift())

    def changed_requests(self) -> None:
        self._ask(2 * BATCH, CHANGED)

    # --- what breaks ---

    def kill_server(self) -> None:
        process = listener(self._port)
        assert process is not None
        process.kill()

    def damage_table(self) -> None:
        """Cells of the first two columns, as a bad export leaves them."""
        path = self._places.table(self._spec.data)
        lines = path.read_bytes().split(b"\n")
        for row in range(10, 10 + 5 * DAMAGED_ROWS, 5):
            first, second, rest = lines[row].split(b",", 2)
            lines[row] = b",".join((b"n/a", second, rest) if row % 2 else (first, b"", rest))
        path.write_bytes(b"\n".join(lines))

    def promote_bad_version(self) -> None:
        """Trained with the classes swapped, and promoted by somebody who was sure of it."""
        self._ask(BATCH, Drift())  # what the version before it answered
        table = read_table(self._places.table(self._spec.data), target=self._spec.target)
        target = self._spec.target
        swapped = make_table({**table.columns, target: 1.0 - table.column(target)}, table.kinds)
        trained = train(self._spec, swapped, self._places, tracking=False)
        registry = Registry(self._places, self._spec.name)
        registry.promote(registry.register(trained, reason="by hand"), "somebody was sure of it")
        self.some_requests()

    def change_world(self) -> None:
        """Other people ask, and another rule says who pays back."""
        self._ask(1500, CHANGED)

    # --- requests ---

    def _ask(self, rows: int, drift: Drift) -> None:
        """Each with its label right behind it."""
        table = credit_risk(rows, next(self._seeds), drift)
        client, labels = Client(f"http://127.0.0.1:{self._port}"), []
        asked = table.select(tuple(name for name in table.names if name != self._spec.target))
        for place in range(table.rows):
            status, answer = client.post("/predict", asked.row(place))
            self.asked += 1
            if status != 200:
                self.failed += 1
                continue
            labels.append(
                {"prediction_id": answer["prediction_id"], "label": _label(table, self._spec.target, place)}
            )
        for first in range(0, len(labels), BATCH):
            client.post("/labels", labels[first : first + BATCH])


def _label(table: Table, target: str, place: int) -> int:
    return int(np.asarray(table.column(target))[place])
