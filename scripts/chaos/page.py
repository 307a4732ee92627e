"""The chaos suite's page for people: figures, how long recoveries took, and every scenario."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Any

Item = dict[str, Any]
WIDTH, HEIGHT, LEFT, BOTTOM = 640.0, 220.0, 48.0, 30.0
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:left;vertical-align:top}
.ok{color:#18794e}.bad{color:#c62828;font-weight:600}.dim{color:#777}svg{max-width:100%;height:auto}
text{font:12px system-ui,sans-serif;fill:#444}figure{margin:1rem 0}"""
COLUMNS = (
    "scenario",
    "fault",
    "detected",
    "localised",
    "cause",
    "mitigated",
    "MTTD s",
    "MTTR s",
    "acts",
    "said",
)


def page(document: Item) -> str:
    rows: Sequence[Item] = document["scenarios"]
    healed = sorted(row["mttr_s"] for row in rows if row.get("mttr_s") is not None and row.get("mitigable"))
    beyond = sorted(
        row["beyond_start_s"]
        for row in rows
        if row.get("beyond_start_s") is not None and row.get("mitigable")
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Chaos suite</title>",
        f"<style>{STYLE}</style><h1>Chaos suite</h1>",
        _figures(document),
        "<h2>How long recoveries took</h2>",
        distribution({"from the fault": healed, "beyond the service's own start": beyond}),
        "<h2>Scenarios</h2>",
        _table(rows),
        "</html>\n",
    ]
    return "\n".join(parts)


def _figures(document: Item) -> str:
    lines = []
    for name in (
        "detection",
        "localisation",
        "cause",
        "mitigation",
        "recovered_within_10_s",
        "recovered_within_60_s",
    ):
        goal = document["goals"].get(name)
        value = document[name]
        good = goal is None or value is None or value >= goal
        bound = "" if goal is None else f"≥ {goal:.0%}"
        lines.append(
            _figure(name.replace("_", " "), "–" if value is None else f"{value:.1%}", bound, good=good)
        )
    acts = document["acts_without_fault"]
    lines.append(_figure("acts without a fault", str(acts), "0", good=acts == 0))
    lines.append(_figure("acts on the innocent during a fault", str(document["wrong_acts"]), "", good=True))
    counts = f"{document['faults']} faults, {document['runs_without_fault']} runs without one, {document['skipped']} skipped"
    return f"<p>{counts}; {document['seconds']:.0f} s.</p><table><tr><th>figure<th>measured<th>to reach</tr>{''.join(lines)}</table>"


def _figure(name: str, value: str, bound: str, *, good: bool) -> str:
    return f"<tr><td>{escape(name)}<td class={'ok' if good else 'bad'}>{value}<td>{bound}</tr>"


def _table(rows: Sequence[Item]) -> str:
    head = "".join(f"<th>{name}" for name in COLUMNS)
    return f"<table><tr>{head}</tr>{''.join(map(_row, rows))}</table>"


def _row(row: Item) -> str:
    cells = [f"<td><b>{escape(row['name'])}</b><br><span class=dim>{escape(row['family'])}</span>"]
    cells.append(f"<td>{escape(row['what'])}")
    if row["skipped"] is not None:
        return f"<tr>{''.join(cells)}<td colspan=8 class=dim>skipped: {escape(row['skipped'])}</tr>"
    cells += [_answer(row.get(key)) for key in ("detected", "localised", "cause_right", "mitigated")]
    cells += [f"<td>{'' if row.get(key) is None else row[key]}" for key in ("mttd_s", "mttr_s")]
    guilty = row.get("acts_without_fault") or row.get("wrong_acts")
    cells.append(f"<td class={'bad' if guilty else 'dim'}>{'<br>'.join(map(escape, row.get('acts', ())))}")
    said = row.get("said") or {}
    told = f"{said['cause']} of {said['culprit']}, {said['confidence']:.0%}" if said else ""
    cells.append(f"<td>{escape(told)}<br><span class=dim>{escape(str(row.get('problem') or ''))}</span>")
    return f"<tr>{''.join(cells)}</tr>"


def _answer(value: bool | None) -> str:
    return (
        "<td class=dim>–"
        if value is None
        else f"<td class={'ok' if value else 'bad'}>{'yes' if value else 'NO'}"
    )


def distribution(series: dict[str, Sequence[float]]) -> str:
    """Which share was over within so many seconds, as steps; on a logarithmic axis from 0.1 s to 100 s."""
    if not any(series.values()):
        return "<p class=dim>nothing was healed</p>"
    colours = ("#1e50a0", "#e08214")
    parts = [f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="recovery times">']
    parts += [
        f'<line x1="{_x(seconds):.1f}" x2="{_x(seconds):.1f}" y1="10" y2="{HEIGHT - BOTTOM:g}" stroke="#ddd"/>'
        f'<text x="{_x(seconds):.1f}" y="{HEIGHT - 12:g}" text-anchor="middle">{seconds:g} s</text>'
        for seconds in (0.1, 1.0, 10.0, 60.0, 100.0)
    ]
    parts += [f'<text x="4" y="{_y(share) + 4:.1f}">{share:.0%}</text>' for share in (0.0, 0.5, 0.95, 1.0)]
    for (name, values), colour in zip(series.items(), colours, strict=False):
        parts.append(_steps(values, colour))
        parts.append(
            f'<text x="{LEFT + 8:g}" y="{24 + 16 * colours.index(colour)}" style="fill:{colour}">{escape(name)}</text>'
        )
    return f"<figure>{''.join(parts)}</svg></figure>"


def _steps(values: Sequence[float], colour: str) -> str:
    points = [(_x(0.1), _y(0.0))]
    for number, value in enumerate(values, 1):
        points += [(_x(value), points[-1][1]), (_x(value), _y(number / len(values)))]
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _x(seconds: float) -> float:
    return LEFT + (log10(min(max(seconds, 0.1), 100.0)) + 1.0) / 3.0 * (WIDTH - LEFT - 16.0)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 10.0)
