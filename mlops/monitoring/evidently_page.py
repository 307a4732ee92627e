"""Evidently's page, made by a process that lives no longer: `python -m mlops.monitoring.evidently_page IN.npz OUT.html`.

Importing Evidently takes three seconds of a processor and 280 MB, which nobody else should have to carry.
"""

import os
import sys
from pathlib import Path

import numpy as np

from mlops.drift.arrays import Column
from mlops.monitoring.sample import Pair


def write_sample(path: Path, samples: list[Pair]) -> None:
    arrays: dict[str, Column] = {}
    for n, pair in enumerate(samples):
        arrays |= {f"n{n}": np.array([pair.name, pair.kind]), f"b{n}": pair.before, f"c{n}": pair.now}
    np.savez(path, **arrays)  # type: ignore[arg-type, unused-ignore]  # its stubs take names for options


def read_sample(path: Path) -> list[Pair]:
    with np.load(path, allow_pickle=False) as arrays:
        count = sum(name.startswith("n") for name in arrays)
        named = [arrays[f"n{n}"].tolist() for n in range(count)]
        return [Pair(name, kind, arrays[f"b{n}"], arrays[f"c{n}"]) for n, (name, kind) in enumerate(named)]


def main() -> int:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    os.nice(15)
    samples = read_sample(Path(sys.argv[1]))
    definition = DataDefinition(
        numerical_columns=[pair.name for pair in samples if pair.kind == "number"],
        categorical_columns=[pair.name for pair in samples if pair.kind == "category"],
    )
    before, now = (
        Dataset.from_pandas(
            pd.DataFrame({pair.name: pd.Series(side) for pair, side in sides}), data_definition=definition
        )
        for sides in ([(pair, pair.before) for pair in samples], [(pair, pair.now) for pair in samples])
    )
    snapshot = Report([DataDriftPreset()]).run(now, before)
    snapshot.save_html(sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
