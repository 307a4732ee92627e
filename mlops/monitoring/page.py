"""Our own page about a look: one file without scripts and without anything from elsewhere."""

from html import escape

from mlops.drift.verdict import ColumnVerdict
from mlops.monitoring.result import MonitoringResult
from mlops.monitoring.sample import Pair, bars

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dee4}
.drift{color:#a40e26;font-weight:600}.not_enough_data{color:#7d4e00}svg{vertical-align:middle}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}
.drift{color:#ff8182}.not_enough_data{color:#e3b341}}
"""
_WORDS = {"drift": "drift", "no_drift": "no drift", "not_enough_data": "not enough data"}


def page(result: MonitoringResult, samples: list[Pair], note: str) -> str:
    """The page; `note` says why it is this one and not Evidently's."""
    by_name = {pair.name: pair for pair in samples}
    rows = "".join(_row(column, by_name.get(column.name)) for column in (*result.features, *result.outputs))
    wait = f"; {result.needed} more rows are needed" if result.needed else ""
    title = f"{escape(result.model)}: {_WORDS[result.verdict]}"
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        f'<meta name=viewport content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head><body>'
        f'<h1>{escape(result.model)}: <span class="{result.verdict}">{_WORDS[result.verdict]}</span></h1>'
        f"<p>{escape(result.timestamp)}; {result.window.rows} predictions since {escape(result.window.since)}; "
        f"{result.drift_score:.0%} of {len(result.features)} features drifted{wait}.</p>{_performance(result)}"
        "<table><thead><tr><th>column<th>verdict<th>shift<th>missing, before → now"
        f"<th>Evidently's default<th>reference (pale), now (dark)<tbody>{rows}</table>"
        f"<p>{escape(note)}</p></body></html>\n"
    )


def _performance(result: MonitoringResult) -> str:
    parts = []
    estimated, true = result.estimated, result.performance
    if estimated.accuracy is not None:
        parts.append(f"estimated accuracy before labels {estimated.accuracy:.3f}")
    else:
        parts.append(f"no estimate before labels: {estimated.reason}")
    if true is not None and true.figures.accuracy is not None:
        parts.append(f"true accuracy {true.figures.accuracy:.3f} of {true.figures.samples} labelled rows")
    return f"<p>{escape('; '.join(parts))}.</p>"


def _row(column: ColumnVerdict, pair: Pair | None) -> str:
    value = "" if column.statistic_value is None else f"{column.statistic} {column.statistic_value:.4g}"
    return (
        f'<tr><td>{escape(column.name)}<td class="{column.verdict}">{_WORDS[column.verdict]}'
        f"<td>{column.effect:.2f} σ<br><small>{escape(column.reason)}</small>"
        f"<td>{column.missing_reference:.1%} → {column.missing:.1%}<td>{escape(value)}"
        f"<td>{'' if pair is None else _picture(pair)}"
    )


def _picture(pair: Pair) -> str:
    labels, before, now = bars(pair)
    top = max([*before, *now, 1e-9])
    drawn = []
    for n, (label, old, new) in enumerate(zip(labels, before, now, strict=True)):
        title = f"<title>{escape(label)}: {old:.1%} → {new:.1%}</title>"
        for share, shift, ink in ((old, 0, 0.35), (new, 5, 0.9)):
            height = 40 * share / top
            drawn.append(
                f'<rect x="{n * 11 + shift}" y="{40 - height:.1f}" width="5" height="{height:.1f}" '
                f'fill="currentColor" opacity="{ink}">{title}</rect>'
            )
    return f'<svg width="{11 * len(labels)}" height="40" role="img">{"".join(drawn)}</svg>'
