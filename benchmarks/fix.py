"""Which kind of remedy ends an incident: judged on public stories whose right answer is known."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.remedy import Advice, weigh
from benchmarks.fix_cases import opened, trouble_of
from benchmarks.report import Goal, Table

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data")) / "rca/rootcausebench"
TO_REACH = 7


def remediate(case: Any) -> str:
    """The label of the remedy for a case: its folder (a path), or an object such as the judge's cases() yields."""
    return advise(case)[0].remedy


def advise(case: Any) -> tuple[Advice, ...]:
    return weigh(trouble_of(opened(Path(case)) if isinstance(case, str | os.PathLike) else case))


def judged(root: Path = DATA) -> Iterator[tuple[str, str, str, float]]:
    """(right, with the alert's words, without them, seconds) of each case."""
    for folder in sorted(path.parent for path in root.glob("*/meta.json")):
        right = json.loads((folder / "meta.json").read_text())["root_cause"]["remediation"]
        case = opened(folder)
        began = time.perf_counter()
        with_words = remediate(case)
        spent_s = time.perf_counter() - began
        case.alert = None
        yield right, with_words, remediate(case), spent_s


def run(*, quick: bool = False) -> list[Table]:
    return [stories()] if DATA.is_dir() else [_absent()]


def stories() -> Table:
    results = list(judged())
    counts = Counter(right for right, *_ in results)
    hits = [Counter(right for right, *said, _ in results if said[n] == right) for n in (0, 1)]
    rows = [(label, str(n), str(hits[0][label]), str(hits[1][label])) for label, n in counts.most_common()]
    rows.append(("all", str(len(results)), str(hits[0].total()), str(hits[1].total())))
    return Table(
        title="The kind of remedy for public incident stories",
        columns=("right", "cases", "found", "without the alert's words"),
        rows=rows,
        goals=(
            Goal("right, without the alert's words", hits[1].total(), TO_REACH, "of 10", least=True),
            Goal("seconds a case, at most", max(spent_s for *_, spent_s in results), 0.1, "s"),
        ),
        notes=(
            f"Always `rollback`: {counts['rollback']}. No language model; names and causes of the stories are not read.",
            "The sentences in analysis/remedy_words.py were written by somebody who had read these stories: expect less elsewhere.",
        ),
    )


def _absent() -> Table:
    note = f"Skipped: there is no copy of the stories at {DATA}; NIGHTWARDEN_BENCH_DATA says where."
    return Table(
        title="The kind of remedy for public incident stories", columns=("right",), rows=(), notes=(note,)
    )
