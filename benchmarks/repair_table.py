"""The table that repairs are measured on: nine columns, 5 % missing, 2 % duplicates, n/a in a column of numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

NUMBERS, CATEGORIES = ("income", "amount", "score", "util", "age"), ("grade", "region")
_HEADER = "id,income,amount,score,util,age,grade,region,opened\n"
_DATES = np.array(["2019-01-02", "2020-06-30", "2021-12-31", "2023-03-15"])
_AT_ONCE = 250_000


def make_table(path: Path, rows: int) -> None:
    """`rows` and a fiftieth of them a second time, at the end, in another order."""
    rng = np.random.default_rng(1)
    again: list[str] = []
    with path.open("w") as file:
        file.write(_HEADER)
        for first in range(0, rows, _AT_ONCE):
            lines = list(_lines(first, min(_AT_ONCE, rows - first), rng))
            file.writelines(lines)
            again += [lines[n] for n in rng.choice(len(lines), len(lines) // 50, replace=False).tolist()]
        rng.shuffle(again)
        file.writelines(again)


def _lines(first: int, count: int, rng: np.random.Generator) -> Iterator[str]:
    income = np.round(rng.lognormal(10.5, 0.5, count), 2)
    income[rng.random(count) < 0.005] *= 100
    age = np.where(rng.random(count) < 0.01, "n/a", rng.integers(18, 75, count).astype(str))
    columns = [
        np.arange(first, first + count).astype(str),
        _some(np.char.mod("%.2f", income), rng),
        _some(np.char.mod("%.2f", rng.lognormal(9.5, 0.7, count)), rng),
        _some(np.char.mod("%.1f", rng.normal(680, 70, count)), rng),
        _some(np.char.mod("%.4f", rng.beta(2, 3, count)), rng),
        age,
        _some(np.array(list("ABCDEFG"))[rng.integers(0, 7, count)], rng),
        _some(np.array(["north", "south", "east", "west"])[rng.integers(0, 4, count)], rng),
        _DATES[rng.integers(0, 4, count)],
    ]
    return (",".join(cells) + "\n" for cells in zip(*(column.tolist() for column in columns), strict=True))


def _some(
    texts: "np.ndarray[tuple[int], np.dtype[np.str_]]", rng: np.random.Generator
) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """A twentieth of them empty."""
    return np.where(rng.random(len(texts)) < 0.05, "", texts)
