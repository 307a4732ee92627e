"""What a run of the chaos suite leaves behind: report.json, JUnit XML, and a page for people."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from scripts.chaos.page import page

Item = dict[str, Any]
QUICK_S, LONGEST_S = 10.0, 60.0  # of a recovery, beyond the service's own start; of all of it
SHARES = {
    "detection": "detected",
    "localisation": "localised",
    "cause": "cause_right",
    "mitigation": "mitigated",
}
GOALS = {
    "detection": 0.99,
    "cause": 0.95,
    "mitigation": 0.95,
    "recovered_within_10_s": 0.95,
    "recovered_within_60_s": 1.0,
}


def summary(rows: Sequence[Item]) -> Item:
    """Shares of what ran; None where nothing did. Acts where nothing was wrong, or nothing was wrong yet, are counted.

    >>> rows = [{"skipped": None, "fault": "x", "detected": True, "mitigated": None, "acts_without_fault": 0, "mttr_s": None}]
    >>> summary(rows)["detection"], summary(rows)["mitigation"], summary(rows)["faults"]
    (1.0, None, 1)
    """
    ran = [row for row in rows if row["skipped"] is None]
    faults = [row for row in ran if row["fault"] is not None]
    recovered = [row for row in faults if row.get("mitigable") and row.get("mttr_s") is not None]
    return {
        **{name: _share([row.get(key) for row in ran]) for name, key in SHARES.items()},
        "acts_without_fault": sum(row.get("acts_without_fault", 0) for row in ran),
        "faults": len(faults),
        "runs_without_fault": len(ran) - len(faults),
        "skipped": len(rows) - len(ran),
        "wrong_acts": sum(row.get("wrong_acts", 0) for row in faults),
        "problems_without_fault": sum(bool(row.get("problem")) for row in ran if row["fault"] is None),
        "incidents_without_fault": sum(len(row.get("incidents", ())) for row in ran if row["fault"] is None),
        "recovered_within_10_s": _share([row["beyond_start_s"] <= QUICK_S for row in recovered]),
        "recovered_within_60_s": _share([row["mttr_s"] <= LONGEST_S for row in recovered]),
        "mttr_s": quantiles([row["mttr_s"] for row in recovered]),
        "mttd_s": quantiles([row["mttd_s"] for row in faults if row.get("mttd_s") is not None]),
    }


def reached(found: Item) -> bool:
    """Whether every figure is where it is to be; a share of nothing stands in no one's way."""
    met = all(found[name] is None or found[name] >= bound for name, bound in GOALS.items())
    return met and found["acts_without_fault"] == 0 and found["problems_without_fault"] == 0


def write(folder: Path, rows: Sequence[Item], took_s: float) -> Item:
    found = summary(rows)
    document = {
        **found,
        "seconds": round(took_s, 1),
        "goals": GOALS,
        "reached": reached(found),
        "scenarios": list(rows),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "report.html").write_text(page(document))
    (folder / "junit.xml").write_bytes(junit(rows, took_s))
    return document


def junit(rows: Sequence[Item], took_s: float) -> bytes:
    """As build servers read it: a scenario is a test, its family the class."""
    problems = {row["name"]: wrong(row) for row in rows}
    suite = ET.Element(
        "testsuite", name="chaos", tests=str(len(rows)), failures=str(sum(map(bool, problems.values()))), errors="0",
        skipped=str(sum(row["skipped"] is not None for row in rows)), time=f"{took_s:.1f}",
    )  # fmt: skip
    for row in rows:
        seconds = f"{row.get('mttr_s') or 0.0:.2f}"
        case = ET.SubElement(
            suite, "testcase", name=row["name"], classname=f"chaos.{row['family']}", time=seconds
        )
        if row["skipped"] is not None:
            ET.SubElement(case, "skipped", message=row["skipped"])
        elif problems[row["name"]]:
            ET.SubElement(case, "failure", message=problems[row["name"]]).text = json.dumps(row, indent=1)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))


def wrong(row: Item) -> str:
    """What was not as it should be, in a few words; empty: all was."""
    if row["skipped"] is not None:
        return ""
    words = {
        "detected": "not detected",
        "localised": "wrong service blamed",
        "cause_right": "wrong cause",
        "mitigated": "not mitigated",
    }
    found = [text for key, text in words.items() if row.get(key) is False]
    if acts := row.get("acts_without_fault", 0):
        found.append(f"{acts} acts without a fault")
    if acts := row.get("wrong_acts", 0):
        found.append(f"{acts} acts on the innocent")
    if row.get("problem") and row["fault"] is None:
        found.append(str(row["problem"]))
    return ", ".join(found)


def _share(values: Iterable[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def quantiles(values: Iterable[float]) -> Item | None:
    """
    >>> quantiles([1.0, 2.0, 3.0])
    {'median': 2.0, 'p95': 3.0, 'max': 3.0, 'count': 3}
    """
    known = sorted(values)
    if not known:
        return None
    return {
        "median": known[(len(known) - 1) // 2],
        "p95": known[min(len(known) - 1, int(0.95 * len(known)))],
        "max": known[-1],
        "count": len(known),
    }
