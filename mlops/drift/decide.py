"""Whether a window drifted from the reference: three verdicts, at a level that all columns share."""

from collections.abc import Mapping

import numpy as np

from mlops.drift.arrays import Column
from mlops.drift.columns import Found, Limits, more_rows, of_column
from mlops.drift.reference import Described, Reference
from mlops.drift.special import fisher_two_sided, sigmas_apart
from mlops.drift.verdict import ColumnVerdict, Verdict, Word

_VALUES, _MISSING, _OUTPUTS = 0.8, 0.1, 0.1  # shares of the level


def decide(
    reference: Reference, window: Mapping[str, Column], level: float, limits: Limits | None = None
) -> Verdict:
    """Each column of the window has its rows in the order of time, oldest first.

    Without drift the probability that any feature or output is called drifted is `level` at most.
    """
    limits = limits or Limits()
    rows = max((len(column) for column in window.values()), default=0)
    outputs = [column for column in reference.outputs if column.name in window]
    each = level / max(len(reference.features), 1)
    levels = (each * (_VALUES if outputs else _VALUES + _OUTPUTS), each * _MISSING)
    said = tuple(_column(reference, column, window, rows, levels, limits) for column in reference.features)
    share = (level * _OUTPUTS / max(len(outputs), 1), 0.0)
    answers = tuple(_column(reference, column, window, rows, share, limits) for column in outputs)
    drifted = sum(column.verdict == "drift" for column in said)
    waiting = [column.needed for column in said if column.verdict == "not_enough_data"]
    return Verdict(
        verdict="drift" if drifted else "not_enough_data" if waiting or not said else "no_drift",
        drift_score=drifted / len(said) if said else 0.0,
        features=said,
        outputs=answers,
        needed=None if None in waiting else max((n for n in waiting if n is not None), default=0),
        rows=rows,
        level=level,
        unknown_columns=tuple(sorted(set(window) - {column.name for column in reference.card.columns})),
    )


def _column(
    reference: Reference,
    column: Described,
    window: Mapping[str, Column],
    rows: int,
    levels: tuple[float, float],
    limits: Limits,
) -> ColumnVerdict:
    cells = window.get(column.name)
    found = of_column(reference, column, np.full(rows, np.nan) if cells is None else cells, levels[0], limits)
    lost, all_before = rows - found.rows, column.rows + column.missing
    missing, before = lost / max(rows, 1), column.missing / max(all_before, 1)
    missing_p = fisher_two_sided(lost, rows, column.missing, all_before)
    gone = missing_p <= levels[1] and sigmas_apart(abs(missing - before)) >= limits.min_effect_sigmas
    verdict, reason = _word(found, rows, (before, missing), gone=gone, limits=limits)
    return ColumnVerdict(
        name=column.name,
        kind=column.kind,
        verdict=verdict,
        reason=reason,
        p_value=found.p_value,
        level=levels[0],
        effect=found.effect,
        rows=found.rows,
        needed=more_rows(found.needed, found.rows, missing) if verdict == "not_enough_data" else 0,
        missing=missing,
        missing_reference=before,
        missing_p_value=missing_p,
        statistic=found.statistic.name if found.statistic else "",
        statistic_value=found.statistic.value if found.statistic else None,
        statistic_drifted=found.statistic.drifted if found.statistic else False,
        new_categories=found.new,
    )


def _word(
    found: Found, rows: int, missing: tuple[float, float], *, gone: bool, limits: Limits
) -> tuple[Word, str]:
    before, now = missing
    if found.moved and found.rows >= limits.min_rows:
        return "drift", f"{found.effect:.2f} sigma, {found.reason}"
    if gone and rows >= limits.min_rows:
        return "drift", f"missing from {before:.1%} to {now:.1%}"
    if min(before, now) > 0.5:  # its values come slowly and always did: it keeps nobody else waiting
        return "no_drift", f"mostly missing; {found.rows} values show nothing"
    if found.rows < max(found.needed, limits.min_rows):
        return "not_enough_data", f"{found.rows} rows with a value"
    return "no_drift", found.reason
