"""What is published for root causes, written anew: N-Sigma and the scorer of BARO, unit-free; the guard band is ours alone."""

from typing import Any

import numpy as np

from analysis.root_cause.window import Floats
from benchmarks.rca import window_of


def n_sigma(case: Any) -> list[tuple[str, str | None]]:
    """The farthest sample of each metric from its mean, in standard deviations."""
    before, after = _samples(case)
    scale = np.nanstd(before, axis=0)
    return _ranked(case, np.abs(after - np.nanmean(before, axis=0)) / np.where(scale > 0, scale, 1.0))


def baro(case: Any) -> list[tuple[str, str | None]]:
    """The farthest sample from the median in interquartile ranges, each metric divided by its deviation before."""
    before, after = _samples(case)
    scale = np.nanstd(before, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    before, after = before / scale, after / scale
    low, centre, high = np.nanpercentile(before, [25, 50, 75], axis=0)
    spread = high - low
    return _ranked(case, (after - centre) / np.where(spread > 0, spread, 1.0))


def _samples(case: Any) -> tuple[Floats, Floats]:
    kept = ~(case.before.isna().all() | case.after.isna().all()).to_numpy()
    return np.where(kept, case.before, 0.0), np.where(kept, case.after, 0.0)


def _ranked(case: Any, scores: Floats) -> list[tuple[str, str | None]]:
    """Services by their strongest metric."""
    best = np.nan_to_num(np.nanmax(scores, axis=0))
    columns = window_of(case).columns
    order = np.argsort(-best, kind="stable").tolist()
    return [
        (columns[n].service, f"{columns[n].entity}_{columns[n].metric}") for n in order if columns[n].service
    ]
