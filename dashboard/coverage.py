"""Healing coverage as people and programs read it: JSON, a page with its matrix, a badge, two metrics."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import escape

from agents.incident.records import Incident
from analysis.coverage import Covered, Place, Proof, coverage, quantile, score, share
from config.fixes import Fix
from config.model import Service
from dashboard.figures import gauge
from dashboard.view import Item
from utils.metrics_collector import Family

PASSIVE = "wait"
JUDGED = {"verified": True, "failed": False}
GOOD, FAIR = 80.0, 40.0
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{border:1px solid #ddd;padding:.3rem .6rem;text-align:left}
.proven{background:#d9f2e3}.weak{background:#fdf3d0}.open{background:#fbe0df}.none{color:#bbb}"""


def proofs(incidents: Iterable[Incident]) -> Iterator[Proof]:
    """Each act that was judged; to wait proves nothing of us, nor does an act that was not needed any more."""
    for incident in incidents:
        for act in incident.acts:
            if act.fix == PASSIVE or act.outcome not in JUDGED or act.how == "symptom_gone":
                continue
            healed = JUDGED[act.outcome]
            ended_at = incident.closed_at if healed and incident.closed_at else act.started_at + act.seconds
            yield Proof(act.cause_name, act.layer, act.started_at, healed, ended_at - incident.opened_at)


def offered(fixes: Iterable[Fix], services: Collection[Service]) -> set[Place]:
    """What the catalogue promises for what is configured here, each fix for what it is first of all for."""
    return {
        (cause, fix.layer)
        for fix in fixes
        if fix.name != PASSIVE and any(fix.applies_to(service) for service in services)
        for cause in fix.cures
        if cause != "unknown"
    }


NOTHING: Item = {
    "resilience_score": 0.0, "coverage": 0.0, "proven": 0, "offered": 0,
    "recovery_s": {"count": 0, "median": None, "p95": None}, "cells": [],
}  # fmt: skip


def told(found: Sequence[Proof], places: Collection[Place], now: float, text: Callable[[float], str]) -> Item:
    """What /observability/coverage answers."""
    cells = coverage(found, places, now)
    healed = [proof.seconds for proof in found if proof.healed]
    return {
        "resilience_score": score(cells),
        "coverage": round(share(cells), 4),
        "proven": sum(cell.proven for cell in cells),
        "offered": len(cells),
        "recovery_s": {"count": len(healed), "median": quantile(healed, 0.5), "p95": quantile(healed, 0.95)},
        "cells": [_cell(cell, text) for cell in cells],
    }


def _cell(cell: Covered, text: Callable[[float], str]) -> Item:
    return {
        "cause": cell.cause,
        "layer": cell.layer,
        "proven_at": None if cell.proven_at is None else text(cell.proven_at),
        "healed": cell.healed,
        "failed": cell.failed,
        "value": round(cell.value, 3),
    }


def families(item: Item) -> Iterator[Family]:
    about = "Share of the kinds of fault and layers with a fix that were proven healed within 30 days."
    yield gauge("healing_coverage_ratio", about, item["coverage"])
    yield gauge(
        "resilience_score", "0 to 100: coverage, weighed by how often it works.", item["resilience_score"]
    )
    proven = [
        ((cell["cause"], cell["layer"]), float(cell["proven_at"] is not None)) for cell in item["cells"]
    ]
    yield gauge("healing_proven", "1 where it was proven within 30 days.", proven, ("cause", "layer"))


def badge(item: Item) -> str:
    """As repositories show it."""
    points = float(item["resilience_score"])
    colour = "#2e9e5b" if points >= GOOD else "#c9a227" if points >= FAIR else "#c0453c"
    right = f"{item['proven']} of {item['offered']} proven, {points:.0f}"
    left_px, right_px = 92, 20 + 7 * len(right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left_px + right_px}" height="20" role="img" '
        f'aria-label="healing: {escape(right)}"><rect width="{left_px}" height="20" fill="#444"/>'
        f'<rect x="{left_px}" width="{right_px}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,sans-serif" font-size="11">'
        f'<text x="8" y="14">self-healing</text><text x="{left_px + 10}" y="14">{escape(right)}</text></g></svg>\n'
    )


def page(item: Item) -> str:
    """Causes down, layers across; loads nothing."""
    layers = sorted({cell["layer"] for cell in item["cells"]})
    causes = sorted({cell["cause"] for cell in item["cells"]})
    by_place = {(cell["cause"], cell["layer"]): cell for cell in item["cells"]}
    head = "".join(f"<th>{escape(layer)}" for layer in layers)
    rows = "".join(
        f"<tr><th>{escape(cause)}{''.join(_square(by_place.get((cause, layer))) for layer in layers)}</tr>"
        for cause in causes
    )
    times = item["recovery_s"]
    took = f"{times['count']} healings, median {_s(times['median'])}, 95 % within {_s(times['p95'])}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Healing coverage</title><style>{STYLE}</style>"
        f"<h1>Healing coverage</h1><p>Resilience {item['resilience_score']:.0f} of 100: {item['proven']} of {item['offered']} "
        f"kinds of fault, by layer, were proven healed within 30 days, by drills, experiments or for real. {took}.</p>"
        f"<table><tr><th>cause{head}</tr>{rows}</table></html>\n"
    )


def _square(cell: Mapping[str, object] | None) -> str:
    if cell is None:
        return "<td class=none>–"
    if cell["proven_at"] is None:
        return f"<td class=open>not proven{_failed(cell)}"
    kind = "proven" if cell["value"] == 1.0 else "weak"
    return f"<td class={kind}>{cell['healed']} healed, {cell['failed']} failed<br>{escape(str(cell['proven_at']))[:10]}"


def _failed(cell: Mapping[str, object]) -> str:
    return f", {cell['failed']} failed" if cell["failed"] else ""


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"
