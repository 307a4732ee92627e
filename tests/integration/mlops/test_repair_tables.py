"""Repairs of real and known damage: what must be mended, what must be left alone, what must be told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.monitoring import Repair
from mlops.errors import BadInputError
from mlops.generators.credit import credit_risk
from mlops.generators.damage import Damage, damage
from mlops.generators.housing import housing
from mlops.places import Places
from mlops.repair import RepairReport, repair_table, undo
from mlops.repair.files import back_up
from mlops.repair.report import ColumnReport

SETTINGS = Repair(schema_rows=0)
PUBLIC = Path(__file__).parents[4] / "shared/data/tabular/housing.csv"


def repair(path: Path, **options: Any) -> RepairReport:
    return repair_table(
        path, places=Places(root=path.parent), settings=options.pop("settings", SETTINGS), **options
    )


def column(report: RepairReport, name: str) -> ColumnReport:
    return next(each for each in report.columns if each.name == name)


def written(folder: Path, *lines: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def numbers(count: int = 40) -> list[int]:
    return [50 + (7 * n) % 23 for n in range(count)]


# --- damage that is known ---


@pytest.mark.parametrize("make", [housing, credit_risk])
def test_every_damage_of_the_ledger_is_mended_and_no_other_line_of_the_file_changes(
    make: Any, tmp_path: Path
) -> None:
    table = make(rows=3000, seed=4)
    target = table.names[-1]
    harm = damage(
        table, Damage(missing=0.03, outliers=0.005, types=0.01, duplicates=0.02, spared=(target,)), seed=1
    )
    path = tmp_path / "t.csv"
    harm.write(path)
    before = path.read_bytes().splitlines()
    report = repair(path, roles={target: "target"})
    after = path.read_bytes().splitlines()
    marks: dict[int, set[str]] = {}
    for mark in harm.ledger:
        marks.setdefault(mark.line, set()).add(mark.kind)
    copies = {mark.line for mark in harm.ledger if mark.kind == "duplicate"}
    assert report.duplicates == len(copies)
    kept = [n for n in range(1, len(before) + 1) if n not in copies]
    assert len(after) == len(kept)
    changed = {n for n, new in zip(kept, after, strict=True) if before[n - 1] != new}
    harmed = {n for n, kinds in marks.items() if kinds - {"duplicate"} and n not in copies}
    assert harmed <= changed
    quiet = [each for each in report.columns if not each.outliers]
    for each in quiet:
        told = [
            m
            for m in harm.ledger
            if m.column == each.name and m.kind in {"missing", "type"} and m.line not in copies
        ]
        assert each.missing + each.mismatched >= len(told), each
    assert not report.quarantined


def test_a_public_table_is_mended_only_where_it_is_damaged(tmp_path: Path) -> None:
    if not PUBLIC.exists():
        pytest.skip(f"needs {PUBLIC}")
    path = tmp_path / "housing.csv"
    path.write_bytes(PUBLIC.read_bytes())
    report = repair(path, roles={"median_house_value": "target"})
    assert column(report, "total_bedrooms").missing == 207
    assert column(report, "total_bedrooms").fill == "435.0"
    assert column(report, "ocean_proximity").fixed == column(report, "median_house_value").fixed == 0
    assert report.rows_after == report.rows == 20640
    text = path.read_text()
    assert ",," not in text
    pairs = zip(PUBLIC.read_text().splitlines(), text.splitlines(), strict=True)
    differ = sum(a != b for old, new in pairs for a, b in zip(old.split(","), new.split(","), strict=True))
    assert differ == report.fixes
    undo(path, Places(root=tmp_path))
    assert path.read_bytes() == PUBLIC.read_bytes()


def test_quartiles_are_those_of_numpy_over_the_rows_that_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values = [f"{value:.6f}" for value in rng.normal(100, 15, 5001)]
    path = written(
        tmp_path, "name,x", *(f"r{n},{value}" for n, value in enumerate(values)), f"r7,{values[7]}"
    )
    report = repair(path, dry_run=True)
    expected = np.quantile(np.array(values, float), [0.25, 0.5, 0.75])
    assert np.allclose(column(report, "x").quartiles, expected, rtol=1e-3)
    assert report.duplicates == 1


# --- what must be left alone ---


def test_only_the_damaged_cells_of_a_quoted_windows_file_change(tmp_path: Path) -> None:
    rows = [f'"{value}";x ;"a;b"' for value in numbers(23)]
    content = "\ufeff" + "\r\n".join(['"v";q;"ç"', *rows, '"n/a"; x;""', '"99999";;', '55;"";"a;b"'])
    path = tmp_path / "w.csv"
    path.write_bytes(content.encode())
    report = repair(path)
    fill, high = column(report, "v").fill, int(column(report, "v").high or 0)
    wanted = content.replace("n/a", fill or "").replace("99999", str(high)).replace(' x;""', ' x;"a;b"')
    wanted = wanted.replace(";;", ';x ;"a;b"').replace(';"";', ';"x ";')
    assert path.read_bytes() == wanted.encode()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([5] * 60, "constant"),
        ([n % 10 == 0 for n in range(200)], "binary"),
        ([0] * 97 + [1, 2, 3], "number"),  # no spread between the quartiles
        ([50 + n % 13 if n % 10 else 500 * (n % 20 - 5) for n in range(300)], "number"),  # a tenth is far
    ],
)
def test_a_column_whose_far_values_are_its_nature_is_not_capped(
    values: list[int], why: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "name,x", *(f"r{n},{int(value)}" for n, value in enumerate(values)))
    report = repair(path)
    assert report.status == "clean"
    assert column(report, "x").read_as == why


def test_an_identifier_a_rising_number_and_the_target_are_never_touched(tmp_path: Path) -> None:
    rows = [f"{1000 - n * n % 997},{n},{value},{value}" for n, value in enumerate(numbers())]
    path = written(tmp_path, "user_id,step,label,x", *rows, "9999999,40,99999,99999", "8,,,60")
    report = repair(path, roles={"label": "target"})
    assert {each.name: each.read_as for each in report.columns} == {
        "user_id": "identifier", "step": "sequence", "label": "target", "x": "number",
    }  # fmt: skip
    assert report.quarantined == ["step", "label"]
    assert report.exit_code == 1
    last = path.read_text().splitlines()[-2:]
    assert last[0].startswith("9999999,40,99999,")
    assert not last[0].endswith("99999")
    assert last[1] == "8,,,60"


def test_whole_numbers_stay_whole_and_codes_become_codes_that_occur(tmp_path: Path) -> None:
    rows = [f"r{n},{value},{n % 5}" for n, value in enumerate(numbers(41))]
    path = written(tmp_path, "name,x,code", *rows, "a,,900", "b,5000,3")
    report = repair(path, settings=Repair(schema_rows=0, fence_iqr=1.3))
    high = column(report, "x").high or 0.0
    last = [line.split(",") for line in path.read_text().splitlines()[-2:]]
    assert high % 1 > 0.1
    assert int(last[1][1]) == int(high)
    assert last[0][1].isdigit()
    assert last[1][1].isdigit()
    assert int(last[1][1]) < 120
    assert last[0][2] == "4"


def test_a_column_with_too_much_damage_is_quarantined_and_the_rest_is_mended(tmp_path: Path) -> None:
    rows = [f"r{n},{'' if n % 2 else value},{value}" for n, value in enumerate(numbers())]
    path = written(tmp_path, "name,x,y", *rows, "a,5,NA")
    report = repair(path)
    assert report.quarantined == ["x"]
    assert "50%" in column(report, "x").quarantined or "49%" in column(report, "x").quarantined
    assert (report.exit_code, report.status, column(report, "y").fixed) == (1, "quarantined", 1)
    assert repair(path).exit_code == 1


def test_rows_that_cannot_be_parsed_are_set_apart_and_come_back_by_undo(tmp_path: Path) -> None:
    rows = [f"r{n},{value}" for n, value in enumerate(numbers())]
    path = written(tmp_path, "name,x", *rows[:20], "too,many,cells", *rows[20:], "few")
    before = path.read_bytes()
    report = repair(path)
    assert report.quarantined_rows == 2
    assert path.read_text() == "\n".join(["name,x", *rows]) + "\n"
    assert Path(report.quarantine_file).read_text() == "name,x\ntoo,many,cells\nfew\n"
    assert (report.exit_code, repair(path).exit_code) == (1, 0)
    undo(path, Places(root=tmp_path))
    assert path.read_bytes() == before


def test_a_number_that_is_said_in_another_way_is_rewritten_only_if_there_is_one_way_to_read_it(
    tmp_path: Path,
) -> None:
    rows = [f"r{n},{value}" for n, value in enumerate(numbers())]
    path = written(
        tmp_path, "name,x", *rows, "a,$55", 'b,"1,060"', "c,5 %", 'd,"5,5"', "e,sixty", name="m.csv"
    )
    report = repair(path, settings=Repair(schema_rows=0, fence_iqr=100.0))
    found = column(report, "x")
    assert (found.rewritten, found.ambiguous, found.mismatched) == (2, 2, 1)
    last = path.read_text().splitlines()[-5:]
    assert last[:4] == ["a,55", 'b,"1060"', "c,5 %", 'd,"5,5"']
    assert last[4] == f"e,{found.fill}"
    assert report.exit_code == 1


# --- rows ---


def test_rows_are_removed_only_where_every_byte_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.repair.scan.hash", lambda _: 7, raising=False)  # every hash collides
    rows = [f"r{n % 25},{n % 25}" for n in range(50)]
    path = written(tmp_path, "name,x", *rows, "r1, 1")
    assert repair(path).duplicates == 25
    assert path.read_text().splitlines() == ["name,x", *rows[:25], "r1, 1"]


def test_rows_that_a_repair_made_equal_are_not_taken_for_duplicates_later(tmp_path: Path) -> None:
    path = written(tmp_path, "a,x", *["p,5", "q,5", "p,4", "q,6", "p,6", "q,4"][:6], "p,", "p,NA")
    first = repair(path)
    assert (first.duplicates, first.rows_after) == (0, 8)
    assert repair(path).status == "clean"
    with path.open("a") as file:
        file.write("q,6\n")
    assert repair(path).duplicates == 1


# --- undo ---


def test_a_table_that_was_changed_after_its_repair_is_not_overwritten_by_undo(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x", *(f"r{n},{v}" for n, v in enumerate(numbers())), "a,")
    places, original = Places(root=tmp_path), path.read_bytes()
    report = repair(path)
    with path.open("a") as file:
        file.write("new,60\n")
    now = path.read_bytes()
    with pytest.raises(BadInputError, match="was changed after the repair"):
        undo(path, places)
    assert path.read_bytes() == now
    assert Path(report.backup).read_bytes() == original
    path.write_bytes(now.removesuffix(b"new,60\n"))
    undo(path, places)
    assert path.read_bytes() == original
    with pytest.raises(BadInputError, match="no repair"):
        undo(path, places)


def test_a_damaged_backup_is_not_restored_but_the_log_gives_the_table_back(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x", *(f"r{n},{v}" for n, v in enumerate(numbers())), "a,")
    original = path.read_bytes()
    report = repair(path)
    Path(report.backup).write_bytes(b"rotten")
    undo(path, Places(root=tmp_path))
    assert path.read_bytes() == original
    report = repair(path)
    repaired = path.read_bytes()
    Path(report.backup).unlink()
    Path(report.log).write_bytes(Path(report.log).read_bytes()[:30])
    with pytest.raises(BadInputError, match="log is damaged"):
        undo(path, Places(root=tmp_path))
    assert path.read_bytes() == repaired


def test_an_output_leaves_the_table_alone_and_is_taken_back_like_any_repair(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x", *(f"r{n},{v}" for n, v in enumerate(numbers())), "a,")
    before, output = path.read_bytes(), tmp_path / "clean.csv"
    output.write_text("old\n")
    repair(path, output=output)
    assert path.read_bytes() == before
    assert b"a,\n" not in output.read_bytes()
    undo(output, Places(root=tmp_path))
    assert output.read_text() == "old\n"


# --- files ---


def test_mode_and_link_of_the_table_stay_and_old_backups_go(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x", *(f"r{n},{v}" for n, v in enumerate(numbers())), "a,", name="real.csv")
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    for n in range(4):
        with path.open("a") as file:
            file.write(f"more{n},\n")
        repair(link, settings=Repair(schema_rows=0, keep_backups=2))
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(list((tmp_path / "data/backups").iterdir())) == 2


def test_a_repair_that_fails_at_its_end_leaves_nothing_but_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    path = written(
        tmp_path, "name,x", *(f"r{n},{v}" for n, v in enumerate(numbers())), "a,", "too,many,cells"
    )
    before = path.read_bytes()
    monkeypatch.setattr("mlops.repair.log.RepairLog.finish", full)
    with pytest.raises(BadInputError, match="No space left on device: nothing was replaced"):
        repair(path)
    assert path.read_bytes() == before
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


def test_a_backup_that_is_not_what_was_read_stops_the_repair(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x", "a,1")
    with pytest.raises(BadInputError, match="was changed while it was read"):
        back_up(path, tmp_path / "copy.csv", "0" * 64)
    assert not (tmp_path / "copy.csv").exists()


def test_what_is_filled_in_is_quoted_where_it_has_to_be_and_a_cap_lies_within_the_fences(
    tmp_path: Path,
) -> None:
    values = [f"{50 + (7 * n) % 23 + n / 10:.1f}" for n in range(60)]
    rows = [f'"x, y",{value}' for value in values]
    path = written(tmp_path, "kind,x", *rows, ",55.5", "NA,-900.0", '"x, y",900.0')
    report = repair(path)
    assert path.read_text().splitlines()[-3] == '"x, y",55.5'
    low, high = (float(line.rpartition(",")[2]) for line in path.read_text().splitlines()[-2:])
    found = column(report, "x")
    assert found.low is not None
    assert found.high is not None
    assert found.low <= low < found.low + 0.1
    assert found.high - 0.1 < high <= found.high
