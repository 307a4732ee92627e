"""Puts the failure cases of the public data before the root-cause engine: the judge's tables become its windows.

python ../shared/data/rca/judge.py benchmarks.rca:rank
"""

from typing import Any

import numpy as np
import pandas as pd

from analysis.root_cause.fusion import weigh
from analysis.root_cause.naming import name_cause
from analysis.root_cause.window import Column, Counts, Floats, Timings, Window

TELLING = 3  # metrics named of each service


def rank(case: Any) -> list[tuple[str, str | None]]:
    """(service, the column that shows it), best first."""
    ranked: list[tuple[str, str | None]] = []
    for suspect in weigh(window_of(case)).suspects:
        ranked += [(suspect.service, metric) for metric in suspect.metrics[:TELLING]] or [
            (suspect.service, None)
        ]
    return ranked


def diagnose(case: Any) -> tuple[str, str, float]:
    """(cause name, service, how sure that it is this service)."""
    window = window_of(case)
    verdict = weigh(window)
    best = verdict.suspects[0]
    return name_cause(window, verdict), best.service, best.confidence


def window_of(case: Any) -> Window:
    services = tuple(dict.fromkeys(case.services.values()))
    calls = [(case.services.get(one, one), case.services.get(other, other)) for one, other in case.graph]
    target = None
    if case.target is not None:
        entity, column = case.target
        target = (case.services.get(entity, entity), column.removeprefix(f"{entity}_"))
    counts = [_counts(case.logs, case.log_history)] if case.logs is not None else []
    timings = None
    if case.traces is not None:
        spans, timings = _spans(case.traces, case.trace_history)
        counts.append(spans)
    return Window(
        columns=_columns(case),
        before=case.before.to_numpy(dtype=np.float64),
        after=case.after.to_numpy(dtype=np.float64),
        services=services,
        calls=calls,
        target=target,
        counts=counts,
        timings=timings,
    )


def _columns(case: Any) -> list[Column]:
    """Entities may contain one another's names and underscores: the longest that fits is meant."""
    found = []
    for name in case.before.columns:
        cut = name.rfind("_")
        while cut > 0 and name[:cut] not in case.services:
            cut = name.rfind("_", 0, cut)
        entity = name[:cut] if cut > 0 else ""
        found.append(
            Column(case.services.get(entity, ""), name[len(entity) + 1 :] if entity else name, entity)
        )
    return found


def _counts(now: pd.DataFrame, past: list[pd.DataFrame]) -> Counts:
    services, names, tables = _rows([now, *past], "template", ("count",))
    counted = np.nan_to_num(tables[0])
    return Counts(services, names, counted[0], counted[1:])


def _spans(now: pd.DataFrame, past: list[pd.DataFrame]) -> tuple[Counts, Timings]:
    columns = ("spans_per_min", "gap_ms_median", "self_ms_mean")
    services, names, (calls, gap, own) = _rows([now, *past], "operation", columns)
    calls = np.nan_to_num(calls)
    return Counts(services, names, calls[0], calls[1:], spoken=False), Timings(services, calls, gap, own)


def _rows(
    windows: list[pd.DataFrame], what: str, columns: tuple[str, ...]
) -> tuple[list[str], list[str], list[Floats]]:
    """Of each column a table: a row per window, a place per (service, thing); nan where nothing was seen."""
    services = np.concatenate([window["service"].to_numpy() for window in windows])
    things = np.concatenate([window[what].to_numpy() for window in windows])
    rows = np.repeat(np.arange(len(windows)), [len(window) for window in windows])
    of, kept = pd.factorize(services)
    which, named = pd.factorize(things)
    both, pairs = pd.factorize(of * len(named) + which)
    tables = []
    for column in columns:
        values = np.concatenate([window[column].to_numpy(dtype=np.float64) for window in windows])
        table = np.zeros((len(windows), len(pairs)))
        seen = ~np.isnan(values)
        np.add.at(table, (rows[seen], both[seen]), values[seen])
        empty = np.ones(table.shape, dtype=bool)
        empty[rows[seen], both[seen]] = False
        table[empty] = np.nan
        tables.append(table)
    return (
        [str(kept[pair // len(named)]) for pair in pairs],
        [str(named[pair % len(named)]) for pair in pairs],
        tables,
    )
