"""Joins labels that came later to the predictions they are about: matured(places, model, since, until)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct, field

from mlops.places import Places
from mlops.predictions.columns import Array, column, text
from mlops.predictions.reading import Predictions, files_between, predictions
from mlops.predictions.records import Value, time_of_id
from mlops.predictions.tallies import Tally, parsed

Moment = Annotated[datetime, Meta(tz=True)]
SKEW_S = 86_400.0  # a label may carry a time a little before its prediction's: clocks differ


class LabelLine(Struct):
    prediction_id: str
    label: Value
    timestamp: Moment


class LabelTally(Tally):
    """What was odd about the labels; `doubled` are repetitions that agree."""

    conflicting: list[str] = field(
        default_factory=list
    )  # ids that were given different labels: the latest counts
    unmatched: int = 0  # of predictions inside the window that stand in no log here


class Matured(Struct, frozen=True, kw_only=True):
    """The predictions of a window whose truth is known, oldest first, one array a column."""

    labels: Array
    told_at: Array  # Unix s, when each truth was first told
    rows: Predictions
    unlabelled: int  # predictions of the window that still wait for their label
    tally: LabelTally

    @property
    def count(self) -> int:
        return len(self.labels)

    @property
    def ids(self) -> list[str]:
        return self.rows.ids

    @property
    def at(self) -> Array:
        return self.rows.at

    @property
    def version(self) -> Array:
        return self.rows.version

    @property
    def prediction(self) -> Array:
        return self.rows.prediction

    @property
    def probability(self) -> Array:
        return self.rows.probability

    @property
    def shadow_version(self) -> Array:
        return self.rows.shadow_version

    @property
    def shadow_prediction(self) -> Array:
        return self.rows.shadow_prediction

    @property
    def shadow_probability(self) -> Array:
        return self.rows.shadow_probability

    @property
    def features(self) -> dict[str, Array]:
        return self.rows.features


_label = msgspec.json.Decoder(LabelLine)


def matured(places: Places, model: str, since: float | None = None, until: float | None = None) -> Matured:
    """The window's predictions that have a label by now, however late, doubled or out of order it came."""
    made = predictions(places, model, since, until)
    tally = LabelTally()
    lowest, highest = since if since is not None else -np.inf, until if until is not None else np.inf
    latest, first = _latest(_lines(places, model, since, tally), tally)
    rows = [row for row, each in enumerate(made.ids) if each in latest]
    found = made.take(np.array(rows, dtype=np.int64))
    known = set(found.ids)
    tally.unmatched = sum(
        each not in known and (at := time_of_id(each)) is not None and lowest <= at < highest
        for each in latest
    )
    tally.conflicting = [each for each in tally.conflicting if each in known]
    labels = column([latest[each] for each in found.ids])
    told_at = np.array([first[each].timestamp() for each in found.ids], dtype=np.float64)
    return Matured(
        labels=labels,
        told_at=told_at,
        rows=found,
        unlabelled=made.rows - found.rows,
        tally=tally,
    )


def _lines(places: Places, model: str, since: float | None, tally: Tally) -> Iterator[LabelLine]:
    for path in files_between(places.labels(model), None if since is None else since - SKEW_S, None):
        yield from parsed(path, _label, tally)


def _latest(lines: Iterator[LabelLine], tally: LabelTally) -> tuple[dict[str, Value], dict[str, datetime]]:
    """The label that counts for each id, and when its first one was told.

    The one with the latest time counts; of equal times the one that stands later.
    """
    labels: dict[str, Value] = {}
    first: dict[str, datetime] = {}
    times: dict[str, datetime] = {}
    conflicting: dict[str, None] = {}
    for line in lines:
        known = times.get(line.prediction_id)
        first[line.prediction_id] = min(first.get(line.prediction_id, line.timestamp), line.timestamp)
        if known is not None and text(labels[line.prediction_id]) == text(line.label):
            tally.doubled += 1
        elif known is not None:
            conflicting[line.prediction_id] = None
        if known is None or line.timestamp >= known:
            labels[line.prediction_id], times[line.prediction_id] = line.label, line.timestamp
    tally.conflicting = list(conflicting)
    return labels, first
