"""POST /labels: takes labels, one or a list, and says so when they are on disk."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from mlops.predictions.records import ID_FORM, Label, rfc3339
from mlops.serving.refusals import Detail, RefusedError, refused
from mlops.serving.served import Served
from mlops.serving.slot import Slot
from mlops.serving.wire import encode

AT_ONCE = 500
_ID = re.compile(ID_FORM)


class Taken(Struct, frozen=True):
    """How many labels are kept now. One that was sent before is kept again and counts once."""

    accepted: int


class NotKeptError(Exception):
    """The disk did not take them."""


Flush = Callable[[Slot], Awaitable[None]]


def labels_in(body: Any, served: Served, now: float) -> list[Label]:
    """All labels of a request, or RefusedError with each place that is wrong: then none is taken."""
    alone = isinstance(body, dict)
    sent = [body] if alone else body
    if not isinstance(sent, list):
        raise refused([], "should be an object with prediction_id and label, or a list of them", "list_type")
    if not 1 <= len(sent) <= AT_ONCE:
        raise refused([], f"should hold 1 to {AT_ONCE} labels, it holds {len(sent)}", "list_length")
    timestamp, labels, wrong = rfc3339(now), [], []
    for index, each in enumerate(sent):
        found = _label(each, served, timestamp)
        if isinstance(found, Label):
            labels.append(found)
        else:
            wrong.append(Detail(["body", *([] if alone else [index]), *found.loc], found.msg, found.type))
    if wrong:
        raise RefusedError(*wrong[:100])
    return labels


def _label(sent: Any, served: Served, timestamp: str) -> Label | Detail:
    if not isinstance(sent, dict):
        return Detail([], "should be an object with prediction_id and label", "dict_type")
    for name in ("prediction_id", "label"):
        if name not in sent:
            return Detail([name], "is missing", "missing")
    number = sent["prediction_id"]
    if not isinstance(number, str) or not _ID.search(number):
        return Detail(["prediction_id"], "is no prediction_id that POST /predict answered", "string_pattern")
    label = served.label(sent["label"])
    if label is None:
        return Detail(["label"], f"should be {_wanted(served)}", "label")
    return Label(number, label, timestamp)


def _wanted(served: Served) -> str:
    return "a finite number" if served.classes is None else " or ".join(map(str, served.classes))


async def take(slot: Slot, served: Served, body: Any, flush: Flush) -> Taken:
    """Keep the labels; answers when they are on disk, NotKeptError otherwise."""
    try:
        labels = labels_in(body, served, time.time())
    except RefusedError:
        slot.figures.labels_refused += 1
        raise
    lost = slot.labels.figures.lost
    for label in labels:
        slot.labels.add(label.timestamp[:10], encode(label))
    await flush(slot)
    if slot.labels.figures.problem or slot.labels.figures.lost > lost:
        raise NotKeptError(slot.labels.figures.problem)
    slot.figures.labels += len(labels)
    slot.last_labels.extend(labels[-10:])
    return Taken(len(labels))
