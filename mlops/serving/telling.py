"""GET /monitoring/stats, GET /metrics and GET /model: what the slots have counted."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from mlops.models.card import Card
from mlops.predictions.records import Label
from mlops.serving.slot import Slot
from utils.metrics_collector import Family


class Told(Struct, frozen=True):
    """GET /model."""

    model: str
    model_version: int
    generation: int  # of the registry's pointer
    serving_since: str
    challenger: int | None
    features: tuple[str, ...]
    card: Card


class Stats(Struct, frozen=True, kw_only=True):
    """GET /monitoring/stats: one model since this process started."""

    model: str
    model_version: int | None
    serving_since: str
    uptime_s: float
    requests: dict[str, int]  # by outcome
    versions: dict[str, int]  # answers of each
    predictions_by_class: dict[str, int]
    positive_share: float | None  # of a classification
    latency_ms: dict[str, float]  # of the newest answers: p50, p95, p99, max
    labels: dict[str, int]
    last_labels: list[Label]
    swaps: dict[str, int]
    shadow: dict[str, float | int | str | None]
    log: dict[str, int | str]
    problems: list[str]


def told(slot: Slot) -> Told | None:
    served = slot.champion
    if served is None:
        return None
    challenger = None if slot.challenger is None else slot.challenger.version
    return Told(
        slot.name, served.version, slot.generation, slot.since, challenger, served.features, served.card
    )


def stats(slot: Slot) -> Stats:
    figures, served = slot.figures, slot.champion
    positive = None
    if served is not None and served.positive is not None and figures.answered:
        positive = round(figures.said[served.positive] / figures.answered, 6)
    return Stats(
        model=slot.name,
        model_version=None if served is None else served.version,
        serving_since=slot.since,
        uptime_s=round(time.time() - slot.started, 1),
        requests=outcomes(slot),
        versions={str(version): count for version, count in figures.versions.items()},
        predictions_by_class={str(said): count for said, count in figures.said.items()},
        positive_share=positive,
        latency_ms=slot.latency.percentiles_ms(),
        labels={"accepted": figures.labels, "refused_requests": figures.labels_refused},
        last_labels=list(slot.last_labels),
        swaps={"done": figures.swaps, "refused": figures.swaps_refused},
        shadow=_shadow(slot),
        log=_log(slot),
        problems=[*slot.problems, *([figures.problem] if figures.problem else [])],
    )


def outcomes(slot: Slot) -> dict[str, int]:
    figures = slot.figures
    return {
        "answered": figures.answered,
        "refused": figures.refused,
        "too_large": figures.too_large,
        "unready": figures.unready,
        "failed": figures.failed,
    }


def _shadow(slot: Slot) -> dict[str, float | int | str | None]:
    shadow, scored = slot.shadow, slot.shadow.scored
    return {
        "model_version": None if slot.challenger is None else slot.challenger.version,
        "scored": scored,
        "agreement": round(shadow.agreed / scored, 6) if scored else None,
        "mean_difference": round(shadow.difference / scored, 6) if scored else None,
        "dropped": shadow.dropped,
        "failed": shadow.failed,
        "problem": shadow.problem,
    }


def _log(slot: Slot) -> dict[str, int | str]:
    log, figures = slot.log, slot.log.figures
    return {
        "written": figures.written,
        "waiting": log.waiting,
        "lost": figures.lost,
        "failed_writes": figures.failed_writes,
        "problem": figures.problem,
    }


def families(slots: Sequence[Slot]) -> Iterator[Family]:
    """For Prometheus, each by model."""
    yield _family("requests_total", "counter", "Requests for a prediction by outcome.", ("outcome",), [
        ((slot.name, outcome), count) for slot in slots for outcome, count in outcomes(slot).items()
    ])  # fmt: skip
    yield _family("predictions_total", "counter", "Answers by version of the model.", ("version",), [
        ((slot.name, str(version)), count)
        for slot in slots for version, count in slot.figures.versions.items()
    ])  # fmt: skip
    for name, kind, about, value in _SINGLE:
        samples = [((slot.name,), float(value(slot))) for slot in slots]
        yield _family(name, kind, about, (), samples)
    yield Family(
        name="nightwarden_model_answer_seconds",
        kind="histogram",
        help="Time from the start of a request to its answer.",
        labels=("model",),
        histograms=[((slot.name,), slot.latency.histogram()) for slot in slots],
    )


_SINGLE: tuple[tuple[str, Any, str, Any], ...] = (
    ("version", "gauge", "Version of the champion; 0: there is none.", lambda s: s.champion.version if s.champion else 0),
    ("challenger_version", "gauge", "Version of the challenger; 0: none.", lambda s: s.challenger.version if s.challenger else 0),
    ("positive_predictions_total", "counter", "Answers that told the positive class.",
     lambda s: s.figures.said[s.champion.positive] if s.champion and s.champion.positive is not None else 0),
    ("labels_total", "counter", "Labels that were accepted.", lambda s: s.figures.labels),
    ("swaps_total", "counter", "Champions that took over while this process ran.", lambda s: s.figures.swaps),
    ("swaps_refused_total", "counter", "Champions that could not be taken.", lambda s: s.figures.swaps_refused),
    ("shadow_scored_total", "counter", "Rows that the challenger scored.", lambda s: s.shadow.scored),
    ("shadow_dropped_total", "counter", "Rows it did not score because its queue was full.", lambda s: s.shadow.dropped),
    ("shadow_failed_total", "counter", "Rows it failed at.", lambda s: s.shadow.failed),
    ("log_lines_written_total", "counter", "Lines in the log of predictions.", lambda s: s.log.figures.written),
    ("log_lines_lost_total", "counter", "Lines that could not be written.", lambda s: s.log.figures.lost),
)  # fmt: skip


def _family(
    name: str,
    kind: Any,
    about: str,
    labels: tuple[str, ...],
    samples: Iterable[tuple[tuple[str, ...], float]],
) -> Family:
    return Family(
        name=f"nightwarden_model_{name}", kind=kind, help=about, labels=("model", *labels), samples=samples
    )
