"""Whatever the table: only what is told changes, twice is once, and every repair can be taken back."""

import csv
import gzip
import io
import random
from pathlib import Path
from typing import Any

import pytest

from config.monitoring import Repair
from mlops.places import Places
from mlops.repair import RepairReport, repair_table, undo
from mlops.repair import log as repair_log
from mlops.repair.tokens import cut
from mlops.tables import cells

SETTINGS = Repair(schema_rows=0)
TOKENS = ["", "n/a", "NA", "nan", "null", " ", "NULL"]
WORDS = ["red", "green", "blau é", "a,b", 'say "hi"', "two\nlines", "semi;colon"]


def cell(rng: random.Random, kind: str, damage: float) -> str:
    if rng.random() < damage:
        return rng.choice(TOKENS if kind == "word" else [*TOKENS, "twelve", "inf", "$7", "9e3", "5 %"])
    if kind == "int":
        return str(rng.randint(-5, 60)) if rng.random() < 0.98 else str(rng.randint(10**4, 10**12))
    if kind == "float":
        value = rng.gauss(50, 10) if rng.random() < 0.97 else rng.gauss(0, 1e7)
        return f"{value:.{rng.choice([1, 2, 2, 2, 12])}f}"
    if kind == "money":
        return f"{rng.lognormvariate(5, 1):.2f}"
    if kind == "spike":
        return "0" if rng.random() < 0.6 else f"{rng.gauss(20, 5) if rng.random() < 0.97 else 1e6:.0f}"
    if kind == "binary":
        return rng.choice("0001")
    if kind == "free":
        return f"note {rng.randint(0, 10**9)}"
    return rng.choice(WORDS)


def random_table(rng: random.Random) -> tuple[bytes, str, list[str]]:
    """The bytes of a table with damage, its delimiter and its columns."""
    delimiter, break_ = rng.choice(",,,;\t|"), rng.choice(["\n", "\r\n"])
    kinds = [
        rng.choice(["int", "float", "money", "spike", "binary", "word", "free"])
        for _ in range(rng.randint(2, 6))
    ]
    names = [f"{kind}{n}" for n, kind in enumerate(kinds)]
    damages = [rng.choice([0, 0.02, 0.1, 0.25, 0.5]) for _ in kinds]
    quoting: Any = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=break_, quoting=quoting)
    writer.writerow(names)
    rows: list[list[str]] = []
    for _ in range(rng.randint(30, 400)):
        again = bool(rows) and rng.random() < 0.05
        row = rng.choice(rows) if again else [cell(rng, k, d) for k, d in zip(kinds, damages, strict=True)]
        rows.append(row)
        if rng.random() < 0.02:
            text.write(break_ if rng.random() < 0.3 else f"ragged{delimiter * (len(kinds) + 2)}{break_}")
        writer.writerow(row)
    content = text.getvalue()
    content = content if rng.random() < 0.7 else content.removesuffix(break_)
    mark = b"\xef\xbb\xbf" if rng.random() < 0.2 else b""
    return mark + content.encode(), delimiter, names


def parsed(content: bytes, delimiter: str) -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row][1:]


def check_result(before: list[list[str]], after: list[list[str]], report: RepairReport, width: int) -> None:
    """Every row that stays is an old one, in the old order, and differs only in damaged or capped cells."""
    good = [row for row in before if len(row) == width]
    assert report.quarantined_rows == len(before) - len(good)
    kept = list(dict.fromkeys(map(tuple, good)))
    assert len(after) == len(good) - report.duplicates == len(kept)
    for old, row in zip(kept, after, strict=True):
        for was, now, column in zip(old, row, report.columns, strict=True):
            if was != now:
                assert not column.quarantined or column.ambiguous
                outside = column.low is not None and not column.low <= float(was_number(was)) <= (
                    column.high or 0
                )
                assert cells.is_missing(was) or cells.number(was) in {None, float("inf")} or outside
    for place, column in enumerate(report.columns):
        if not (column.quarantined or column.left or column.read_as == "text"):
            assert not any(cells.is_missing(row[place]) for row in after), column


def was_number(text: str) -> float:
    return cells.number(text) or 0.0


def one(seed: int, folder: Path) -> None:
    rng = random.Random(seed)
    content, delimiter, names = random_table(rng)
    path, places = folder / "table.csv", Places(root=folder)
    path.write_bytes(content)
    tried = repair_table(path, places=places, settings=SETTINGS, dry_run=True)
    assert path.read_bytes() == content
    assert [each.name for each in folder.iterdir()] == ["table.csv"]
    report = repair_table(path, places=places, settings=SETTINGS)
    repaired = path.read_bytes()
    assert tried.sha256_after == report.sha256_after
    assert tried.fixes == report.fixes
    check_result(parsed(content, delimiter), parsed(repaired, delimiter), report, len(names))
    again = repair_table(path, places=places, settings=SETTINGS)
    assert path.read_bytes() == repaired, (seed, again)
    assert not again.changed
    if report.changed:
        backwards = io.BytesIO()
        repair_log.reverse(io.BytesIO(repaired), Path(report.log), backwards)
        assert backwards.getvalue() == content
        if rng.random() < 0.5:
            Path(report.backup).unlink()  # the log alone must do
        undo(path, places)
        assert path.read_bytes() == content
        assert gzip.decompress(Path(report.log).read_bytes())


@pytest.mark.parametrize("block", [1 << 19, 700])
def test_random_tables_are_repaired_once_and_can_be_had_back(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.repair.scan.BLOCK", block)
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        one(seed, folder)


@pytest.mark.soak
def test_two_thousand_random_tables(tmp_path: Path) -> None:
    for seed in range(1000, 3000):
        folder = tmp_path / str(seed)
        folder.mkdir()
        one(seed, folder)


def test_cells_are_cut_as_the_csv_module_cuts_them() -> None:
    rng = random.Random(5)
    for _ in range(3000):
        text = "".join(rng.choice('a,";\n\r" 1') for _ in range(rng.randint(1, 30))) + "\n"
        rows = [row for row in csv.reader(io.StringIO(text.replace("\r", ""), newline="")) if row]
        if text.count('"') % 2 or '"' in "".join(map("".join, rows)):
            continue
        found = cut(text.replace("\r", "").encode(), ord(","), 2, last=True)
        assert found is not None
        mine = [
            [found.padded[a:b].decode() for a, b in zip(found.starts[:, k], found.ends[:, k], strict=True)]
            for k in range(len(found.good))
        ]
        plain = [row for row in rows if len(row) == 2]
        if found.used == len(text.replace("\r", "")) and '"' not in "".join(map("".join, mine)):
            assert mine == plain, text
