"""The demo's verdict: what was broken, from the vandal's own log, beside what the daemon says it saw and did."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

Item = dict[str, Any]
SLACK_S = 0.3  # two processes, two readings of the clock
PASSIVE = "wait"


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def judge(faults: Sequence[Item], incidents: Iterable[Item]) -> list[Item]:
    """One row for each round, `ok` where every question has the right answer."""
    known = sorted(incidents, key=lambda incident: str(incident["opened_at"]))
    return [_judge(fault, _during(fault, known)) for fault in faults]


def _during(fault: Item, incidents: Sequence[Item]) -> list[Item]:
    if not fault["injected_at"]:
        return []
    since, until = fault["injected_at"] - SLACK_S, fault["ended_at"]
    return [incident for incident in incidents if since <= unix(incident["opened_at"]) <= until]


def _acts(incidents: Iterable[Item]) -> list[Item]:
    return [act for incident in incidents for act in incident["acts"] if act["fix"] != PASSIVE]


def _judge(fault: Item, incidents: Sequence[Item]) -> Item:
    row = {
        "fault": fault["name"],
        "service": fault["service"],
        "expected_cause": fault["cause"],
        "expected_culprit": fault["culprit"] if fault["cause"] else "",
        "expected_fix": fault["fix"],
        "problem": fault.get("problem", ""),
        "incidents": [incident["id"] for incident in incidents],
    }
    return row | (_of_fault(fault, incidents) if fault["cause"] else _of_nothing(incidents))


def _of_nothing(incidents: Sequence[Item]) -> Item:
    acts = _acts(incidents)
    return {"acts": len(acts), "cause": "", "fix": ", ".join(act["fix"] for act in acts), "ok": not acts}


def _of_fault(fault: Item, incidents: Sequence[Item]) -> Item:
    own = [incident for incident in incidents if incident["service"] == fault["service"]]
    others = [incident for incident in incidents if incident["service"] != fault["service"]]
    first = own[0] if own else {"acts": [], "cause": None, "status": "none"}
    cause = first["cause"] or {"name": "", "service": "", "confidence": 0.0}
    acts = _acts([first])
    row = {
        "detected_s": round(unix(first["opened_at"]) - fault["injected_at"], 2) if own else None,
        "cause": cause["name"],
        "culprit": cause["service"],
        "confidence": round(cause["confidence"], 2),
        "fix": acts[0]["fix"] if acts else "",
        "acts": len(_acts(incidents)),
        "healed_s": round(fault["healed_at"] - fault["injected_at"], 2) if fault.get("healed_at") else None,
        "verified": any(act["outcome"] == "verified" for act in acts),
        "blames_culprit": all((o["cause"] or {}).get("service") == fault["culprit"] for o in others),
        "spared_others": not _acts(others),
    }
    right = (row["cause"], row["culprit"], row["fix"]) == (fault["cause"], fault["culprit"], fault["fix"])
    closed = all(incident["status"] == "closed" for incident in incidents)
    healed = bool(row["verified"] and row["healed_s"] is not None and closed and not fault.get("problem"))
    return row | {"ok": right and healed and row["spared_others"] and row["blames_culprit"]}


def lines(rows: Sequence[Item]) -> list[str]:
    """The table as plain text."""
    head = ("fault", "service", "detected", "cause", "first fix", "acts", "healed", "")
    body = [
        (
            row["fault"],
            row["service"],
            _seconds(row.get("detected_s")),
            row["cause"] or "-",
            row["fix"] or "-",
            str(row["acts"]),
            _seconds(row.get("healed_s")),
            "ok" if row["ok"] else f"NOT OK {row['problem']}".rstrip(),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    ]
    return [table[0], "-" * max(map(len, table)), *table[1:]]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
