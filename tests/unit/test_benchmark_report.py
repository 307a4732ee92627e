"""What benchmarks hand back is printed, judged and written where it belongs."""

import importlib
from pathlib import Path

from benchmarks.__main__ import NAMES, PAGE
from benchmarks.report import Goal, Table, text
from benchmarks.write import write_page

TABLE = Table(
    title="Restart",
    columns=("supervisor", "median"),
    rows=[("limit", "222.4"), ("nightwarden run", "226.6")],
    goals=[Goal("over the limit", 3.9, 4.0, "ms"), Goal("times", 12.0, 20.0, least=True)],
    notes=["a note"],
)


def test_columns_are_aligned_and_each_goal_says_whether_it_was_reached() -> None:
    lines = text(TABLE).splitlines()
    assert lines[3:5] == ["  limit             222.4", "  nightwarden run   226.6"]
    assert lines[7].split() == ["over", "the", "limit", "3.9", "ms", "≤", "4", "reached"]
    assert lines[8].split() == ["times", "12", "≥", "20", "MISSED"]


def test_only_what_was_measured_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n<!-- restart -->\nold\n<!-- end -->\ntext\n<!-- bus -->\nold bus\n<!-- end -->\n"
    )
    write_page(page, {"restart": [TABLE]}, "a machine", quick=True)
    written = page.read_text()
    assert "| nightwarden run | 226.6 |" in written
    assert "on a machine; a quick run." in written
    assert written.startswith("# Title\n<!-- restart -->\nMeasured ")
    assert written.endswith("<!-- end -->\ntext\n<!-- bus -->\nold bus\n<!-- end -->\n")


def test_every_benchmark_can_be_run_and_has_its_place_on_the_page() -> None:
    page = PAGE.read_text()
    for name in NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)
        assert f"<!-- {name} -->" in page
