"""Breaks real services in every way that users know, and scores what Nightwarden made of it: found, located, named, healed."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.entry import BAD_INPUT, leave, parser

if (
    TYPE_CHECKING
):  # the rest is imported once the folder of this script is off the path: it has a dashboard too
    from scripts.chaos.scenario import Scenario

ABOUT = """Break real services in every way that users know, from a process of its own, and score what a real daemon makes of it:
whether it was detected, located, named and healed; and count the acts where nothing was wrong. All in a temporary folder, on
free ports of the loopback, without root. What cannot run on this machine is listed as skipped and is in no share.

--out DIR gets report.json, report.html and junit.xml.
Exit codes: 0 every figure is where it is to be, 1 it is not, 2 bad input, 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/chaos_test_suite.py --out /tmp/chaos
  python scripts/chaos_test_suite.py --out /tmp/chaos --only killed --only frozen
  python scripts/chaos_test_suite.py --list"""
WARM_S = 12.0
LONE_WARM_S = 4.0
AT_ONCE = 3  # stages of few services


def main(words: list[str] | None = None) -> int:
    from scripts.chaos import report
    from scripts.chaos.catalogue import every

    options = _arguments(words, [one.name for one in every()])
    chosen = [one for one in every() if not options.only or one.name in options.only]
    if options.list:
        print("\n".join(f"{one.name:28} {one.family:24} {one.fault}" for one in chosen))
        return 0
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="nightwarden-suite-"))
    try:
        rows = asyncio.run(_play(folder, chosen, options.warm))
    finally:
        if options.keep:
            print(f"logs and states are kept in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    order = {one.name: number for number, one in enumerate(chosen)}
    rows.sort(key=lambda row: order[row["name"]])
    document = report.write(options.out, rows, time.monotonic() - began)
    print("\n".join(_lines(document)))
    return 0 if document["reached"] else 1


async def _play(folder: Path, chosen: "Sequence[Scenario]", warm_s: float) -> list[dict[str, Any]]:
    from scripts.chaos import remote, stage
    from scripts.chaos.catalogue import stages
    from scripts.chaos.verdict import judge, skipped

    rows: list[dict[str, Any]] = []
    able = []
    for one in chosen:
        if reason := one.lacks():
            rows.append(skipped(one, reason))
        else:
            able.append(one)
    alone = asyncio.Semaphore(AT_ONCE)

    async def played(number: int, scenarios: "list[Scenario]", told: Any) -> None:
        play = {"render": remote.play}.get(scenarios[0].stage, stage.play)
        async with alone:
            warmth_s = min(warm_s, LONE_WARM_S) if scenarios[0].lone else warm_s
            done = await play(folder / f"stage{number}", scenarios, warmth_s, told)
        rows.extend(judge(each.scenario, each.line, each.incidents, each.services) for each in done)

    with _progress(len(able)) as told:
        numbered = list(enumerate(stages(able), 1))
        for number, scenarios in numbered:
            if is_large(scenarios):
                await played(number, scenarios, told)
        async with asyncio.TaskGroup() as group:
            for number, scenarios in numbered:
                if not is_large(scenarios):
                    group.create_task(played(number, scenarios, told))
    return rows


def is_large(scenarios: "Sequence[Scenario]") -> bool:
    return scenarios[0].stage == "cells" and not scenarios[0].lone


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on a terminal; elsewhere a line for each scenario that is over."""
    if sys.stderr.isatty():
        from rich.progress import Progress

        with Progress(transient=True) as bar:
            task = bar.add_task("scenarios", total=total)
            yield lambda line: bar.update(
                task, advance="scenario" in line, description=line.get("scenario", "begun")
            )
        return
    began, done = time.monotonic(), 0

    def told(line: dict[str, Any]) -> None:
        nonlocal done
        if "scenario" in line:
            done += 1
            problem = f": {line['problem']}" if line.get("problem") else ""
            print(
                f"{time.monotonic() - began:5.0f} s  {done}/{total} {line['scenario']}{problem}",
                file=sys.stderr,
                flush=True,
            )

    yield told


def _lines(document: dict[str, Any]) -> Iterator[str]:
    from scripts.chaos import report

    for row in document["scenarios"]:
        if words := report.wrong(row):
            said = row.get("said") or {}
            yield f"NOT OK  {row['name']}: {words}; {said.get('cause', '')} {said.get('culprit', '')} {', '.join(row.get('acts', ()))}"
        elif row["skipped"] is not None:
            yield f"skipped {row['name']}: {row['skipped']}"
    for name in (
        "detection",
        "localisation",
        "cause",
        "mitigation",
        "recovered_within_10_s",
        "recovered_within_60_s",
    ):
        value = document[name]
        yield f"{name:24} {'-' if value is None else format(value, '.1%')}"
    yield f"{'acts_without_fault':24} {document['acts_without_fault']}"
    yield f"{document['faults']} faults, {document['runs_without_fault']} runs without, {document['skipped']} skipped, {document['seconds']:.0f} s"


def _arguments(words: list[str] | None, names: list[str]) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    options.add_argument(
        "--out", type=Path, default=Path("chaos-report"), metavar="DIR", help="default: %(default)s"
    )
    options.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help="of --list; repeatable"
    )
    options.add_argument("--list", action="store_true", help="name the scenarios and leave")
    options.add_argument("--keep", action="store_true", help="keep the working folder with all logs")
    options.add_argument(
        "--warm",
        type=float,
        default=WARM_S,
        metavar="SECONDS",
        help="how long all is well first, default: %(default)g",
    )
    found = options.parse_args(words)
    if found.out.exists() and not found.out.is_dir():
        print(f"--out {found.out}: not a folder", file=sys.stderr)
        sys.exit(BAD_INPUT)
    return found


if __name__ == "__main__":
    leave(main)
