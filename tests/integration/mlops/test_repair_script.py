"""The script as people call it: its flags, exit codes, errors, and what is left after a full disk or Ctrl-C."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import auto_fix_data_issues
from tests.fixtures.in_process import run_main

SCRIPT = Path(__file__).parents[3] / "scripts/auto_fix_data_issues.py"
AUDIT = {"timestamp", "issue", "detection", "action", "fixes", "retry", "time_to_resolution"}


def quick(folder: Path) -> list[str]:
    """Without the schema, whose library takes a second to import."""
    path = folder.parent / f"{folder.name}.json"
    path.write_text(json.dumps({"repair": {"schema_rows": 0}}))
    return ["--config", str(path)]


def run(folder: Path, *arguments: str, options: bool = True) -> subprocess.CompletedProcess[str]:
    words = [*(quick(folder) if options else []), *arguments]
    return run_main(auto_fix_data_issues.main, folder, *words)


def process_of(folder: Path, *arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def few_bytes() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit or 0, limit or 0))

    return subprocess.run(
        [sys.executable, str(SCRIPT), *quick(folder), *arguments], cwd=folder, text=True, capture_output=True, timeout=60,
        preexec_fn=few_bytes if limit else None, check=False,
    )  # fmt: skip


def table(folder: Path, rows: int = 60) -> Path:
    path = folder / "data" / "mine.csv"
    path.parent.mkdir(exist_ok=True)
    lines = ["name,x", *(f"r{n},{50 + 7 * n % 23}" for n in range(rows)), "a,", "b,9000", "a,"]
    path.write_text("\n".join(lines) + "\n")
    return path


def config(folder: Path, *tables: str) -> None:
    (folder / "config").mkdir()
    (folder / "config/monitoring_config.json").write_text(
        json.dumps({"data": list(tables), "repair": {"schema_rows": 0}})
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_table_is_repaired_reported_audited_and_restored(tmp_path: Path) -> None:
    path = table(tmp_path)
    before = path.read_bytes()
    done = process_of(tmp_path, "--data-path", "data/mine.csv", "--report", "out/r.json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "out/r.json").read_text())
    assert (report["status"], report["fixes"], report["duplicates"]) == ("repaired", 3, 1)
    [entry] = map(json.loads, (tmp_path / "monitoring/audit.jsonl").read_text().splitlines())
    assert entry.keys() >= AUDIT
    assert entry["fixes"] == 3
    again = run(tmp_path, "--data-path", "data/mine.csv")
    assert (again.returncode, "clean" in again.stdout) == (0, True)
    undone = run(tmp_path, "--data-path", "data/mine.csv", "--undo")
    assert undone.returncode == 0
    assert path.read_bytes() == before
    assert run(tmp_path, "--data-path", "data/mine.csv", "--undo").returncode == 2


def test_a_dry_run_changes_nothing_at_all(tmp_path: Path) -> None:
    path = table(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns, path.parent.stat().st_mtime_ns
    done = run(tmp_path, "--data-path", "data/mine.csv", "--dry-run")
    assert done.returncode == 0
    assert "would repair; 3 fixes" in done.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.parent.stat().st_mtime_ns) == before
    assert files(tmp_path) == {"data/mine.csv"}


def test_without_arguments_every_configured_table_has_its_turn(tmp_path: Path) -> None:
    table(tmp_path)
    config(tmp_path, "data/mine.csv", "data/gone.csv")
    done = run(tmp_path, "--report", "r.json", options=False)
    assert done.returncode == 2
    assert "data/gone.csv: no such file" in done.stderr
    assert [each["status"] for each in json.loads((tmp_path / "r.json").read_text())["tables"]] == [
        "repaired"
    ]


def test_what_is_quarantined_makes_the_exit_code_one(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_text(path.read_text() + "too,many,cells\n")
    done = run(tmp_path, "--data-path", "data/mine.csv")
    assert done.returncode == 1
    assert "QUARANTINED: 1 rows" in done.stdout


def test_a_schema_is_kept_once_and_holds_later_tables_to_it(tmp_path: Path) -> None:
    pytest.importorskip("pandera", reason="needs the extra mlops")
    path = table(tmp_path)
    path.write_text("kind,x\n" + "".join(f"{'ab'[n % 2]},{50 + 7 * n % 23}.5\n" for n in range(60)) + "a,\n")
    assert run(tmp_path, "--data-path", "data/mine.csv", options=False).returncode == 0
    kept = (tmp_path / "data/schemas/mine.json").read_bytes()
    path.write_text(path.read_text() + "zebra,51.5\n")
    done = run(tmp_path, "--data-path", "data/mine.csv", "--report", "r.json", options=False)
    assert done.returncode == 1
    assert "column 'kind': isin" in done.stdout
    assert json.loads((tmp_path / "r.json").read_text())["schema"]["before"] != []
    assert (tmp_path / "data/schemas/mine.json").read_bytes() == kept
    own = tmp_path / "own.yaml"
    own.write_text(
        "schema_type: dataframe\ncolumns:\n  kind: {dtype: object}\n  x: {dtype: float64, nullable: false}\n"
    )
    assert (
        run(tmp_path, "--data-path", "data/mine.csv", "--schema", "own.yaml", options=False).returncode == 0
    )
    own.write_text("columns: 7")
    failed = run(tmp_path, "--data-path", "data/mine.csv", "--schema", "own.yaml", options=False)
    assert (failed.returncode, "own.yaml: is no pandera schema" in failed.stderr) == (2, True)


BAD = {
    "empty": (b"", "the file is empty"),
    "only a header": (b"a,b\n", "no row"),
    "one row": (b"a,b\n1,2\n", "only one row"),
    "no header": (b"1,2\n3,4\n5,6\n", "holds numbers, not names"),
    "two names": (b"a,a\n1,2\n3,4\n", "two columns are named 'a'"),
    "utf-16": ("a,b\n1,2\n3,4\n".encode("utf-16"), "UTF-16"),
    "null": (b"a,b\n1,\0\n3,4\n", "null byte"),
    "open quote": (b'a,b\n1,"2\n3,4\n5,6\n', "never closed"),
    "delimiter": (b"a:b\n1:2\n3:4\n", "column 'a:b'"),
    "ragged": (b"a,b\n1,2\n3\n4\n5,6\n7\n", "do not have 2 cells"),
    "old breaks": (b"a,b\r1,2\r3,4\r", "LF"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_one_line_with_its_file_and_nothing_is_made(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    (tmp_path / "bad.csv").write_bytes(content)
    done = run(tmp_path, "--data-path", "bad.csv")
    assert done.returncode == 2
    assert message in done.stderr
    assert "bad.csv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert files(tmp_path) == {"bad.csv"}
    assert (tmp_path / "bad.csv").read_bytes() == content


def test_a_column_that_is_all_missing_is_told(tmp_path: Path) -> None:
    table(tmp_path).write_text("a,b\n1,\n2,NA\n3,\n5,null\n")
    done = run(tmp_path, "--data-path", "data/mine.csv")
    assert done.returncode == 1
    assert "b: 4 missing; QUARANTINED: 100%" in done.stdout


@pytest.mark.parametrize("columns", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_table_of_many_columns_is_repaired(columns: int, tmp_path: Path) -> None:
    names = ",".join(f"c{n}" for n in range(columns))
    rows = [",".join(str((n * k) % 7 + 3) for n in range(columns)) for k in range(1, 9)]
    table(tmp_path).write_text("\n".join([names, *rows]).replace("3,", ",", 1) + "\n")
    done = run(tmp_path, "--data-path", "data/mine.csv")
    assert (done.returncode, "repaired; 1 fixes" in done.stdout) == (0, True)


@pytest.mark.parametrize("limit", [30_000, 900_000, 1_300_000])
def test_a_disk_that_is_full_half_way_leaves_the_table_and_no_remains(limit: int, tmp_path: Path) -> None:
    path = table(tmp_path, 60_000)
    before = path.read_bytes()
    done = process_of(tmp_path, "--data-path", "data/mine.csv", limit=limit)
    assert done.returncode == 2
    assert "nothing was replaced" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert path.read_bytes() == before
    assert files(tmp_path) == {"data/mine.csv"}


def test_ctrl_c_at_any_moment_leaves_the_old_table_or_the_new_one(tmp_path: Path) -> None:
    path = table(tmp_path, 100_000)
    before = path.read_bytes()
    for delay_s in (0.35, 0.6, 0.9):
        command = [sys.executable, str(SCRIPT), *quick(tmp_path), "--data-path", "data/mine.csv"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        if path.read_bytes() == before:
            assert b"Traceback" not in errors or process.returncode == -signal.SIGINT
            assert not list(path.parent.glob(".*"))
        else:
            assert run(tmp_path, "--data-path", "data/mine.csv", "--undo").returncode == 0
            assert path.read_bytes() == before


def test_a_killed_repair_leaves_the_table_and_the_next_one_succeeds(tmp_path: Path) -> None:
    path = table(tmp_path, 100_000)
    before = path.read_bytes()
    command = [sys.executable, str(SCRIPT), *quick(tmp_path), "--data-path", "data/mine.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while (
        not list(path.parent.glob(".mine.csv.repair.tmp"))
        and process.poll() is None
        and time.monotonic() < end
    ):
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if path.read_bytes() == before:
        assert run(tmp_path, "--data-path", "data/mine.csv").returncode == 0
    assert path.read_bytes() != before
    assert not list(path.parent.glob(".*"))
    assert run(tmp_path, "--data-path", "data/mine.csv", "--undo").returncode == 0
    assert path.read_bytes() == before
