"""Work for a worker process: keeps a service's history in its file, brings it back, and fits a detector on it."""

from pathlib import Path

from analysis.detection.service import DAY_ROWS, Learnt, learn
from utils.array_files import Singles, read_array, write_array

DEADLINE_S = 600.0


def kept_and_learnt(path: Path, names: tuple[str, ...], rows: Singles, false_per_day: float) -> Learnt:
    write_array(path, names, rows)
    return learn(rows, min(false_per_day / DAY_ROWS, 0.5))


def recalled(path: Path) -> tuple[tuple[str, ...], Singles] | None:
    return read_array(path)
