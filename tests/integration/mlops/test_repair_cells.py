"""How cells are read by array operations, beside the plain functions that read one text; and what is never capped."""

import math
import random
from pathlib import Path

import numpy as np
import pytest

from config.monitoring import Repair
from mlops.places import Places
from mlops.repair import repair_table
from mlops.repair.numerals import read, words
from mlops.repair.terms import missing
from mlops.repair.tokens import Cells, again, cut
from mlops.tables import cells


def as_column(texts: list[str]) -> Cells:
    found = cut("".join(f"{text};{text}\n" for text in texts).encode("latin-1"), ord(";"), 2, last=True)
    assert found is not None
    assert len(found.good) == len(texts)
    return found


def numbers_of(texts: list[str]) -> list[float]:
    found = as_column(texts)
    starts, ends, view = found.starts[1], found.ends[1], words(found.padded)
    values, _ = read(found.padded, view, view[ends - 8], starts, ends, np.zeros(len(texts), np.bool_), ";")
    return [float(value) for value in values]


def test_decimals_are_read_to_the_last_bit() -> None:
    rng = random.Random(8)
    texts = [f"{rng.choice(['', '-'])}{rng.randrange(10 ** rng.randint(1, 9))}" for _ in range(4000)]
    texts = [
        f"{text}.{rng.randrange(10 ** rng.randint(1, 9))}" if rng.random() < 0.8 else text for text in texts
    ]
    assert numbers_of(texts) == [float(text) for text in texts]


def test_short_and_odd_cells_are_the_numbers_that_they_are_one_by_one() -> None:
    rng = random.Random(9)
    texts = ["".join(rng.choice("0123456789.-+e ") for _ in range(rng.randint(1, 12))) for _ in range(6000)]
    texts += [
        "1.",
        ".5",
        "-.5",
        "-",
        ".",
        "1..2",
        "1.2.3",
        "0",
        "-0",
        "00000000",
        "99999999",
        "9999999.9",
        "1234567/",
        "12:4",
    ]
    for text, value in zip(texts, numbers_of(texts), strict=True):
        plain = cells.number(text)
        expected = math.nan if plain is None or math.isinf(plain) else plain
        assert value == expected or (value != value and expected != expected), text


def test_what_is_missing_is_what_is_missing_one_by_one() -> None:
    rng = random.Random(10)
    parts = ["n", "N", "a", "A", "/", "u", "L", "l", "null", "nan", "NA", " ", "x", "1", "\t"]
    texts = ["".join(rng.choice(parts) for _ in range(rng.randint(0, 4))) for _ in range(6000)]
    texts = [text for text in texts if text.rstrip("\t") == text]
    found = as_column(texts)
    absent = missing(found.padded, words(found.padded)[found.ends[1] - 8], found.starts[1], found.ends[1])
    assert absent.tolist() == [cells.is_missing(text) for text in texts]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_block_that_was_noted_is_cut_as_it_was(line_break: str) -> None:
    block = line_break.join(["a,1.5,x", "bb,,yy", ",2,"]).encode()
    first = cut(block, ord(","), 3, last=True)
    assert first is not None
    starts, lengths = first.row_starts - 16, first.row_ends - first.row_starts
    noted = again(block, starts, lengths, (first.ends - first.row_starts).astype(np.uint16))
    for name in ("padded", "row_starts", "row_ends", "good", "starts", "ends"):
        assert np.array_equal(getattr(first, name), getattr(noted, name)), name


@pytest.mark.parametrize("usual", ["5", "0.25", "-1.50"])
@pytest.mark.parametrize("kinds", [3, 40])
def test_a_column_without_spread_between_its_quartiles_is_never_capped(
    usual: str, kinds: int, tmp_path: Path
) -> None:
    far = [f"{(n % kinds + 2) * (-100 if n % 2 else 100)}" for n in range(40)]
    lines = [f"r{n},{x}" for n, x in enumerate([usual] * 960 + far)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["name,x", *lines, "last,"]) + "\n")
    report = repair_table(path, places=Places(root=tmp_path), settings=Repair(schema_rows=0))
    [_, column] = report.columns
    assert (column.read_as, column.outliers, column.low, column.high) == ("number", 0, None, None)
    assert column.fixed == 1
    assert path.read_text().splitlines() == ["name,x", *lines, f"last,{usual}"]
