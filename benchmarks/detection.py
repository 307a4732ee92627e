"""The anomaly detector on public data with incidents, by the judge that comes with them, and what a score costs."""

import importlib.util
import json
import os
import pickle
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from analysis.detection.ensemble import Ensemble
from analysis.detection.forest import flattened
from analysis.detection.rows import Floats
from analysis.robust import REFRESHED_AT_ONCE, WARMUP, Matrix
from analysis.series import Source
from benchmarks.anomaly import score_series
from benchmarks.measure import ROOT, median
from benchmarks.report import Goal, Table

DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data")) / "anomaly"
PEERS = {"smd": 0.46, "asd": 0.55, "mscloud": 0.74, "nab": 0.24}
RANKING = {"smd": 0.53, "asd": 0.62, "mscloud": 0.77, "nab": 0.27}
METRICS = 38
SERIES = 100_000
SHARE = 0.001


def run(*, quick: bool) -> list[Table]:
    return [_quality(("asd",) if quick else tuple(RANKING)), _cost(quick=quick)]


def judge() -> ModuleType | None:
    spec = importlib.util.spec_from_file_location("anomaly_judge", DATA / "judge.py")
    if spec is None or spec.loader is None or not (DATA / "judge.py").exists():
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _quality(names: tuple[str, ...]) -> Table:
    title = "Incidents of public data sets, found by one configuration"
    columns = ("set", "series", "VUS-PR", "best peer", "recall at ≤ 1 / ≤ 0.2 false alarms a day",
               "threshold fixed beforehand: recall, false alarms a day, promised")  # fmt: skip
    judging = judge()
    if judging is None:
        note = f"Skipped: there is no copy of the data at {DATA}; NIGHTWARDEN_BENCH_DATA says where."
        return Table(title=title, columns=columns, rows=(), notes=(note,))
    rows, goals = [], []
    for name in names:
        found = judging.judge(score_series, name, str(DATA))
        promised = _promised(name)
        rows.append(
            (name, str(found["series"]), f"{found['vus_pr']:.3f}", f"{PEERS[name]:.2f}",
             f"{found['recall@1']:.2f} / {found['recall@0.2']:.2f}",
             f"{found['calibrated_recall']:.2f}, {found['calibrated_false_per_day']:.2f}, {promised:.2f}")
        )  # fmt: skip
        goals.append(Goal(f"{name}: mean VUS-PR", found["vus_pr"], RANKING[name], least=True))
        if name == "smd":
            goals.append(Goal("smd: recall at ≤ 1 false alarm a day", found["recall@1"], 0.68, least=True))
            goals.append(Goal("smd: recall at ≤ 0.2", found["recall@0.2"], 0.38, least=True))
        times = found["calibrated_false_per_day"] / promised
        goals.append(Goal(f"{name}: false alarms, times the promise", times, 2.0))
    return Table(title=title, columns=columns, rows=rows, goals=goals)


def _promised(name: str) -> float:
    """0.1 % of the rows, per day; sets mix paces."""
    labels = json.loads((DATA / name / "labels.json").read_text())
    rows = [each["n"] - each["train_end"] for each in labels.values()]
    days = [count * each["interval_s"] / 86_400 for count, each in zip(rows, labels.values(), strict=True)]
    return float(SHARE * sum(rows) / sum(days))


# --- cost ---


def _cost(*, quick: bool) -> Table:
    rng = np.random.default_rng(1)
    factors = rng.standard_normal((12_000, 5)) @ rng.standard_normal((5, METRICS))
    rows = factors + 0.3 * rng.standard_normal(factors.shape)
    ensemble = Ensemble(rows[:6000])
    state_kb = len(pickle.dumps(ensemble)) / METRICS / 1000
    batch_s = _cpu_s(lambda: ensemble.score(rows[6000:11_000]))
    singles = rows[11_000 : 11_200 if quick else 12_000]
    single_s = _cpu_s(lambda: [ensemble.score(row[None]) for row in singles]) / len(singles)
    tick_s = _tick_s()
    table = [
        (f"batch, {METRICS} metrics", f"{5000 * METRICS / batch_s / 1e6:.2f} M values/s"),
        ("one row a call", f"{1 / single_s:.0f} calls/s"),
        ("state", f"{state_kb:.1f} kB a metric"),
        (f"a tick of {SERIES:,} series (the first hours)", f"{tick_s * 1e3:.1f} ms"),
    ]
    goals = [
        Goal("values a second in batches", 5000 * METRICS / batch_s, 1e6, least=True),
        Goal("one-row calls a second", 1 / single_s, 20_000, least=True),
        Goal("state a metric", state_kb, 20, "kB"),
        Goal(f"a tick of {SERIES:,} series, CPU", tick_s * 1e3, 25, "ms"),
    ]
    if find_spec("sklearn") is not None:
        forest_us, peer_us, apart = _forest(rows)
        table.append(("one forest score", f"{forest_us:.0f} µs; scikit-learn {peer_us:.0f} µs"))
        goals += [
            Goal("a forest score", forest_us, 150, "µs"),
            Goal("apart from scikit-learn's", apart, 1e-9),
        ]
    return Table(
        title="What a score costs: CPU, one thread", columns=("", "measured"), rows=table, goals=goals
    )


def _tick_s() -> float:
    matrix = Matrix()
    numbers = matrix.rows("fleet", [Source(f"m{n}", "gauge", n) for n in range(SERIES)])
    rng = np.random.default_rng(2)
    ticks = []
    for _ in range(WARMUP + SERIES // REFRESHED_AT_ONCE + 16):  # until every series has its baseline
        matrix.push(numbers, rng.standard_normal(SERIES))
        ticks.append(_cpu_s(matrix.score))
    return median(ticks[-15:])


def _forest(rows: Floats) -> tuple[float, float, float]:
    """(µs of ours, µs of scikit-learn's for the same trees, greatest difference)"""
    from sklearn.ensemble import IsolationForest

    singles: Any = rows[:2000].astype(np.float32)
    peer: Any = IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(singles)
    ours = flattened([each.tree_ for each in peer.estimators_], peer.estimators_features_, 256)
    apart = float(np.abs(ours.score(singles) + peer.score_samples(singles)).max())
    us = [_cpu_s(partial(ours.score, row[None])) * 1e6 for row in singles[:500]]
    theirs = [_cpu_s(partial(peer.score_samples, row[None])) * 1e6 for row in singles[:50]]
    return median(us), median(theirs), apart


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
