"""A report as one HTML page that loads nothing, and as Markdown."""

from collections.abc import Iterable
from html import escape

from dashboard.reports.chart import chart
from dashboard.reports.telling import Report

STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#c33;--act:#b80;--good:#393}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}small,.axis,figcaption{opacity:.7}
table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.25rem .5rem;vertical-align:top}
td:first-child{white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums}
figure{margin:1rem 0}svg{width:100%;height:auto}.curve{fill:none;stroke:currentColor;stroke-width:1.5}
.level{stroke:var(--line)}.axis{font-size:11px;fill:currentColor}.mark{stroke-width:1.5;stroke-dasharray:4 3}
.bad{stroke:var(--bad)}.act{stroke:var(--act)}.good{stroke:var(--good)}
"""


def html(report: Report) -> str:
    charts = "".join(chart(curve, report.marks, report.opened_at) for curve in report.curves)
    rows = "".join(f"<tr><td>{s:+.1f} s</td><td>{escape(text)}</td></tr>" for s, text in report.timeline)
    sections = [
        f"<h1>{escape(report.title)}</h1>",
        f"<p>{report.opened} to {report.closed}, {report.lasted_s:.1f} s <small>incident {escape(report.id)}</small></p>",
        _section("Symptoms", report.symptoms),
        f"<h2>Cause</h2><p>{escape(report.cause)}</p>{_list(report.evidence)}",
        _section("Or", report.rivals),
        _section("Acts", report.acts),
        _section("What was learnt", report.learnt),
        f"<h2>Around it</h2>{charts}" if charts else "",
        f"<h2>Timeline</h2><table>{rows}</table>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )


def _section(title: str, lines: Iterable[str]) -> str:
    found = _list(lines)
    return f"<h2>{title}</h2>{found}" if found else ""


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def markdown(report: Report) -> str:
    parts = [
        f"# {_text(report.title)}",
        f"{report.opened} to {report.closed}, {report.lasted_s:.1f} s, incident `{report.id}`",
        *_part("Symptoms", report.symptoms),
        f"## Cause\n\n{_text(report.cause)}",
        *([_bullets(report.evidence)] if report.evidence else []),
        *_part("Or", report.rivals),
        *_part("Acts", report.acts),
        *_part("What was learnt", report.learnt),
        "## Timeline\n\n" + "\n".join(f"- {s:+.1f} s: {_text(text)}" for s, text in report.timeline),
    ]
    return "\n\n".join(parts) + "\n"


def _part(title: str, lines: tuple[str, ...]) -> list[str]:
    return [f"## {title}\n\n{_bullets(lines)}"] if lines else []


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _text(text: str) -> str:
    """No markup of a watched service's own: its characters are shown and mean nothing.

    >>> _text("<b> *a* [x](y)")
    '\\\\<b\\\\> \\\\*a\\\\* \\\\[x\\\\](y)'
    """
    return "".join(f"\\{c}" if c in "\\`*_<>[]#|" else c for c in text)
