"""Work for a worker process: keeps a service's history in its file, brings it back, and fits a detector on it."""

from pathlib import Path

from analysis.detection.service import Learnt, learn
from utils.array_files import Singles, read_array, write_array

DEADLINE_S = 600.0


def kept_and_learnt(path: Path, names: tuple[str, ...], rows: Singles) -> Learnt:
    write_array(path, names, rows)
    return learn(rows)


def recalled(path: Path) -> tuple[tuple[str, ...], Singles] | None:
    return read_array(path)
