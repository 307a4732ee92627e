"""The root-cause engine on public failures, beside N-Sigma and the scorer of BARO: who is blamed, how surely, how fast."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analysis.root_cause.fusion import weigh
from analysis.root_cause.naming import name_cause
from analysis.root_cause.window import Column, Floats, Window
from benchmarks.rca import rank, window_of
from benchmarks.rca_data import DATA, SETS, cases, figures, judged, there
from benchmarks.rca_fit import crossed, gathered, without
from benchmarks.rca_peers import baro, n_sigma
from benchmarks.report import Goal, Table, figure

LATE = 2
BINS, DRAWS = 10, 1000
NAMED = {  # what the public sets call a fault -> the name that fixes know
    "cpu_contention": "cpu_saturation", "cpu_consumed": "cpu_saturation", "cpu-stress": "cpu_saturation",
    "memory-stress": "memory_leak", "network_delay": "network_latency", "network-delay": "network_latency",
    "latency": "network_latency", "return": "bad_deploy", "exception": "bad_deploy", "availability": "bad_deploy",
}  # fmt: skip


class Answer(NamedTuple):
    of: str
    fault: str
    place: int  # of the culprit
    confidence: float  # in the first
    well_named: bool
    waits_seen: bool


def run(*, quick: bool) -> list[Table]:
    if not there():
        note = f"Skipped: there is no copy of the cases at {DATA}; NIGHTWARDEN_BENCH_DATA says where."
        return [Table(title="Root causes of public failures", columns=("",), rows=(), notes=(note,))]
    on_time, late = answers(0), answers(LATE)
    tables = [_beside_peers(on_time, late), _by_fault(on_time), _confidence(on_time), _speed()]
    return tables if quick else [*tables, _unseen()]


def answers(late: int) -> list[Answer]:
    found = []
    for name in SETS:
        for truth, case in cases(name, late):
            window = window_of(case)
            verdict = weigh(window)
            order = [suspect.service for suspect in verdict.suspects]
            place = order.index(truth["service"]) + 1 if truth["service"] in order else 999
            fault = truth["fault_type"]
            named = NAMED.get(fault) == name_cause(window, verdict)
            seen = window.timings is not None and truth["service"] in window.timings.services
            found.append(Answer(name, fault, place, verdict.suspects[0].confidence, named, seen))
    return found


def _beside_peers(on_time: Sequence[Answer], late: Sequence[Answer]) -> Table:
    rows, ours, delayed = [], [], []
    for name in SETS:
        own = figures([answer.place for answer in on_time if answer.of == name])
        after = figures([answer.place for answer in late if answer.of == name])
        peers = [judged(peer, name) for peer in (n_sigma, baro)]
        ours.append(own)
        delayed.append(after)
        told = [f"{peer['service_ac1']:.2f} / {peer['service_avg5']:.2f}" for peer in peers]
        rows.append((name, str(sum(answer.of == name for answer in on_time)), *told,
                     f"{own['ac1']:.2f} / {own['ac3']:.2f} / {own['avg5']:.2f}", f"{after['ac1']:.2f}"))  # fmt: skip
    ac1, ac3, avg5 = (float(np.mean([each[key] for each in ours])) for key in ("ac1", "ac3", "avg5"))
    after_ac1 = float(np.mean([each["ac1"] for each in delayed]))
    rows.append(("macro", "", "", "", f"{ac1:.2f} / {ac3:.2f} / {avg5:.2f}", f"{after_ac1:.2f}"))
    return Table(
        title="Who is to blame, of all services (share of cases with the culprit among the first 1 / 3 / mean of 1 to 5)",
        columns=("set", "cases", "N-Sigma 1 / mean", "BARO, unit-free 1 / mean", "ours 1 / 3 / mean",
                 f"ours, alarm {LATE} samples late, 1"),
        rows=rows,
        goals=(
            Goal("macro, first", ac1, 0.70, least=True),
            Goal("macro, mean of the first 1 to 5", avg5, 0.80, least=True),
            Goal("lost where the alarm is late", ac1 - after_ac1, 0.03),
        ),
        notes=("The weights were fitted to these very cases; the last table says how they do without them.",),
    )  # fmt: skip


def _by_fault(on_time: Sequence[Answer]) -> Table:
    rows = []
    for fault in sorted({answer.fault for answer in on_time}):
        some = [answer for answer in on_time if answer.fault == fault]
        right = [answer for answer in some if answer.place == 1]
        named = f"{np.mean([answer.well_named for answer in right]):.2f}" if right else ""
        rows.append((fault, str(len(some)), f"{len(right) / len(some):.2f}", named))
    used = [a.place == 1 for a in on_time if NAMED.get(a.fault) in ("cpu_saturation", "memory_leak")]
    delayed = [
        a.place == 1 for a in on_time if a.fault in ("network_delay", "network-delay") and a.waits_seen
    ]
    return Table(
        title="By kind of fault",
        columns=("fault", "cases", "culprit first", "of those, cause named rightly"),
        rows=rows,
        goals=(
            Goal("cpu and memory, first", float(np.mean(used)), 0.95, least=True),
            Goal("network delay where the waits of callers are seen, first", float(np.mean(delayed)), 0.9, least=True),
        ),
        notes=("network-delay (with a hyphen) has no latencies at all: steady traffic goes on as before, and nothing shows it.",),
    )  # fmt: skip


def _confidence(on_time: Sequence[Answer]) -> Table:
    stated = np.array([answer.confidence for answer in on_time])
    right = np.array([float(answer.place == 1) for answer in on_time])
    order = np.argsort(stated, kind="stable")
    rows = [
        (f"{stated[part].min():.2f} to {stated[part].max():.2f}", str(len(part)),
         f"{stated[part].mean():.2f}", f"{right[part].mean():.2f}")
        for part in np.array_split(order, 5)
    ]  # fmt: skip
    error, chance = _error(stated, right), expected_error(stated)
    sure = order[len(order) // 2 :]
    return Table(
        title="How sure it says it is, and how often it is right",
        columns=("confidence", "cases", "said", "right"),
        rows=rows,
        goals=(
            Goal(f"calibration error in {BINS} bins, beyond that of chance ({figure(chance)})", error - chance, 0.03),
            Goal("right in the surer half", float(right[sure].mean()), 0.9, least=True),
        ),
    )  # fmt: skip


def _error(stated: Floats, right: Floats) -> float:
    parts = np.array_split(np.argsort(stated, kind="stable"), BINS)
    return float(
        sum(len(part) * abs(stated[part].mean() - right[part].mean()) for part in parts) / len(stated)
    )


def expected_error(stated: Floats) -> float:
    """Of somebody whose confidences are exactly right: so many cases are never in their exact proportion."""
    random = np.random.default_rng(0)
    drawn = [(random.random(len(stated)) < stated).astype(float) for _ in range(DRAWS)]
    return float(np.mean([_error(stated, right) for right in drawn]))


def _speed() -> Table:
    random = np.random.default_rng(1)
    services = [f"s{n}" for n in range(50)]
    kinds = ("cpu_percent", "rss_mib", "latency_p99", "requests_per_s", "errors_per_s")
    columns = [Column(service, f"{kind}_{n}") for service in services for kind in kinds for n in range(4)]
    calls = list(pairwise(services))
    window = Window(columns=columns, before=random.random((120, 1000)), after=random.random((6, 1000)),
                    services=services, calls=calls, target=("s0", "latency_p99_0"))  # fmt: skip
    began = time.process_time()
    rounds = 20
    for _ in range(rounds):
        weigh(window)
    seconds = (time.process_time() - began) / rounds
    spent = np.mean([judged(rank, name)["seconds_per_case"] for name in SETS])
    return Table(
        title="Seconds of processor time for one case",
        columns=("case", "s"),
        rows=(("1,000 metrics of 50 services", f"{seconds:.4f}"), ("mean of the sets, tables read and all", f"{spent:.4f}")),
        goals=(Goal("1,000 metrics", seconds, 0.05, "s"),),
    )  # fmt: skip


def _unseen() -> Table:
    on_time, late = gathered(0), gathered(LATE)
    folds = crossed(on_time, late)
    rows, firsts, means = [], [], []
    for name in SETS:
        own = figures([place for of, place, _ in folds if of == name])
        alone = figures([place for _, place, _ in without(on_time, late, name)])
        firsts.append(own["ac1"])
        means.append(own["avg5"])
        rows.append(
            (name, f"{own['ac1']:.2f} / {own['avg5']:.2f}", f"{alone['ac1']:.2f} / {alone['avg5']:.2f}")
        )
    return Table(
        title="With weights that never saw the case (1 / mean of 1 to 5)",
        columns=("set", "five folds", "fitted to the other sets alone"),
        rows=rows,
        goals=(
            Goal("macro of the folds, first", float(np.mean(firsts)), 0.70, least=True),
            Goal("macro of the folds, mean", float(np.mean(means)), 0.80, least=True),
        ),
        notes=("The evidence itself was thought out on these sets; only the weights are blind here.",),
    )  # fmt: skip
