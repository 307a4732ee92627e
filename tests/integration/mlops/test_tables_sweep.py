"""Tables of every odd shape, read by our reader and by a plain one that goes cell by cell."""

import csv
import io
import random
import re
from pathlib import Path

import pytest

from mlops.errors import BadInputError
from mlops.tables import fingerprint, read_table, write_table

SEEDS = [range(150), pytest.param(range(150, 3000), marks=pytest.mark.soak)]
MISSING = {"", "n/a", "na", "nan", "null"}
CELLS = [
    "1", "-2.5", "1e3", "+7", ".5", "5.", "0.1", "1e-320", "12345678901234567890", "1" * 40, "inf", "-Infinity", " 3 ",
    "", "n/a", "NA", "NaN", "null", " Null ", "none", "None", "-", "True", "false", "TRUE", "1_000", "0x10", "1,5", "1e",
    "red", " red", "grün", "a b", 'say "so"', "x;y", "p|q", "two\nlines", "t\tt", "#", "'", "\\", "\u2003", "१२",
]  # fmt: skip
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)", re.IGNORECASE | re.ASCII)


def plainly(columns: dict[str, list[str]]) -> dict[str, list[float | str | None]]:
    """What the cells say, by the rules on the page of tables."""
    found: dict[str, list[float | str | None]] = {}
    for name, texts in columns.items():
        present = [text.strip() for text in texts if text.strip().lower() not in MISSING]
        numbers = [text for text in present if NUMBER.fullmatch(text)]
        if len(numbers) >= 0.9 * len(present):
            found[name] = [number(text.strip()) for text in texts]
        else:
            found[name] = [None if text.strip().lower() in MISSING else text.strip() for text in texts]
    return found


def number(text: str) -> float | None:
    value = float(text) if NUMBER.fullmatch(text) else None
    return None if value in {float("inf"), float("-inf")} else value


def made(rng: random.Random) -> dict[str, list[str]]:
    rows = rng.choice([1, 2, 3, 30])
    columns = {}
    for place in range(rng.randint(1, 5)):
        pool = rng.sample(CELLS, rng.randint(1, 6)) if rng.random() < 0.7 else CELLS[:7] * 20 + CELLS
        columns[rng.choice(["c", "naïve ", "x y", "a;b"]) + str(place)] = [
            rng.choice(pool) for _ in range(rows)
        ]
    return columns


def written(columns: dict[str, list[str]], rng: random.Random) -> bytes:
    text = io.StringIO()
    delimiter = rng.choice(",;\t|")
    words = "".join([*columns, *(text for texts in columns.values() for text in texts)])
    unclear = any(
        other in words for other in ",;\t|" if other != delimiter
    )  # bare cells could be read in two ways
    quoting = csv.QUOTE_ALL if unclear else rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=rng.choice(["\n", "\r\n"]))
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    choices = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
    try:
        text.getvalue().encode("latin-1")
        choices.append("latin-1")
    except UnicodeEncodeError:
        choices = choices[:3]
    return text.getvalue().encode(rng.choice(choices))


@pytest.mark.parametrize("seeds", SEEDS, ids=len)
def test_any_table_reads_as_its_cells_say_and_survives_writing(tmp_path: Path, seeds: range) -> None:
    read = 0
    for seed in seeds:
        rng = random.Random(seed)
        columns = made(rng)
        path = tmp_path / "table.csv"
        path.write_bytes(written(columns, rng))
        wanted = {name.strip(): values for name, values in plainly(columns).items()}
        try:
            table = read_table(path)
        except BadInputError as error:
            assert all(value is None for values in wanted.values() for value in values), f"{seed}: {error}"
            continue
        found = {name: [table.row(place)[name] for place in range(table.rows)] for name in table.names}
        assert found == wanted, f"seed {seed}"
        write_table(table, path)
        assert fingerprint(read_table(path, kinds=table.kinds)) == fingerprint(table), f"seed {seed}"
        read += 1
    assert read > 0.7 * len(seeds)


@pytest.mark.parametrize("seeds", SEEDS, ids=len)
def test_a_damaged_file_is_read_or_refused_in_one_line_that_names_it(tmp_path: Path, seeds: range) -> None:
    refused = 0
    path = tmp_path / "table.csv"
    for seed in seeds:
        rng = random.Random(seed)
        data = bytearray(written(made(rng), rng))
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(data))
            data[at : at + rng.choice([0, 1, 1, 9])] = rng.choice(
                [b"", b"\0", b'"', b",", b"\n", b"\xff", b"\r", b"\xc3"]
            )
        path.write_bytes(data)
        try:
            table = read_table(path)
        except BadInputError as error:
            assert str(error).startswith(f"{path}: "), seed
            assert len(str(error).splitlines()) == 1, seed
            refused += 1
        else:
            assert table.rows > 0
            fingerprint(table)
    assert 0 < refused < len(seeds)
