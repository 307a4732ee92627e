import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.predictions.reading import predictions
from mlops.predictions.records import Label
from mlops.serving.figures import KEPT, Latency
from mlops.serving.health import FRESH_S, Doctor
from mlops.serving.labelling import AT_ONCE, labels_in
from mlops.serving.predicting import Predict
from mlops.serving.refusals import RefusedError
from mlops.serving.served import Row, Served
from mlops.serving.shadowing import Shadowing
from mlops.serving.slot import LOSS_TOLD_S, Slot
from mlops.serving.telling import stats
from tests.fixtures.served_models import CREDIT, credit, housing, rents

BODY = json.dumps(CREDIT).encode()
ID = "pred_20261120T214533123Z_00c0ffee01000001"


class Wire:
    """The two halves of ASGI, with a body in pieces."""

    def __init__(self, *pieces: bytes, gone: bool = False, length: int | None = None) -> None:
        self._pieces, self._gone = list(pieces), gone
        headers = [] if length is None else [(b"content-length", b"%d" % length)]
        self.scope = {"type": "http", "method": "POST", "headers": headers}
        self.sent: list[Any] = []
        self.reads = 0

    async def receive(self) -> Any:
        self.reads += 1
        if not self._pieces:
            return {"type": "http.disconnect"}
        body = self._pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self._pieces) or self._gone}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> tuple[int, Any]:
        start, body = self.sent
        assert dict(start["headers"])[b"content-length"] == b"%d" % len(body["body"])
        return start["status"], json.loads(body["body"])


def slot_of(root: Path, model: LoadedModel | None = None) -> Slot:
    slot = Slot(Places(root), "credit")
    slot.champion = Served(model or credit().model)
    return slot


async def asked(predict: Predict, *pieces: bytes, **options: Any) -> Wire:
    wire = Wire(*pieces, **options)
    await predict(wire.scope, wire.receive, wire.send)
    return wire


async def test_a_body_may_come_in_pieces(tmp_path: Path) -> None:
    predict = Predict(slot_of(tmp_path), Shadowing(), 1000)
    whole = (await asked(predict, BODY)).answer[1]
    pieces = (await asked(predict, BODY[:1], b"", BODY[1:20], BODY[20:])).answer[1]
    assert whole["probability"] == pieces["probability"] == credit().model.score_row(CREDIT)[1]


async def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_known(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    predict = Predict(slot, Shadowing(), 100)
    declared = await asked(predict, b"x" * 101, length=101)
    assert (declared.answer[0], declared.reads) == (413, 0)
    assert (await asked(predict, b"x" * 101)).answer[0] == 413
    pieces = await asked(predict, *[b"x" * 60] * 10)
    assert (pieces.answer[0], pieces.reads) == (413, 2)
    assert slot.figures.too_large == 3


async def test_a_client_that_leaves_half_way_costs_nothing(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    wire = await asked(Predict(slot, Shadowing(), 1000), BODY[:10], gone=True)
    assert (wire.sent, slot.log.waiting, slot.figures.answered) == ([], 0, 0)


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    class Slow(Wire):
        async def receive(self) -> Any:
            if self._pieces:
                return await super().receive()
            await asyncio.sleep(3600)
            return None

    wire = Slow(BODY[:10], gone=True)
    began = asyncio.get_running_loop().time()
    await Predict(slot_of(tmp_path), Shadowing(), 1000)(wire.scope, wire.receive, wire.send)
    assert wire.answer == (408, {"detail": "the body was not there within 6 s"})
    assert asyncio.get_running_loop().time() - began == 6.0


class Moody(Served):
    """A model that fails when it is told to."""

    moody = False

    def score(self, row: Row) -> Any:
        if self.moody:
            raise ZeroDivisionError("no reason")
        return super().score(row)


async def test_a_model_that_fails_at_one_row_answers_the_next_and_is_told(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    slot.champion = champion = Moody(credit().model)
    predict = Predict(slot, Shadowing(), 1000)
    champion.moody = True
    assert (await asked(predict, BODY)).answer == (
        500,
        {"detail": "the model failed at this row; see /health"},
    )
    assert stats(slot).problems == ["version 0: ZeroDivisionError: no reason"]
    champion.moody = False
    assert (await asked(predict, BODY)).answer[0] == 200
    assert (slot.figures.failed, slot.figures.answered) == (1, 1)


async def test_health_is_the_way_of_a_request_and_a_second_old_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("mlops.serving.health.time.monotonic", lambda: now)
    slot, doctor = slot_of(tmp_path), Doctor()
    slot.champion = champion = Moody(credit().model)
    assert doctor.look(slot).status == "ok"
    champion.moody = True
    now += FRESH_S - 0.01
    assert doctor.look(slot).status == "ok"
    now += 0.01
    told = doctor.look(slot)
    assert (told.status, told.detail) == ("failing", ["no reason"])
    slot.champion = None
    assert doctor.look(slot).status == "failing"
    assert "cannot be served" in doctor.look(slot).detail[0]


def test_lines_that_were_lost_are_told_for_ten_minutes_and_counted_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("mlops.predictions.writing.time.monotonic", lambda: now)
    slot = Slot(Places(tmp_path), "credit", log_room=1)
    for _ in range(3):
        slot.log.add("2026-11-20", b"{}")
    assert slot.problems == ["2 predictions could not be logged and are lost"]
    now += LOSS_TOLD_S
    assert slot.problems == []
    assert stats(slot).log["lost"] == 2


# --- the challenger --------------------------------------------------------------------------------------------------


async def test_the_challenger_scores_after_the_answer_and_its_failures_are_its_own(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    slot.challenger = challenger = Moody(credit(intercept=1.0).model)
    shadowing = Shadowing()
    predict = Predict(slot, shadowing, 1000)
    assert (await asked(predict, BODY)).answer[0] == 200
    assert (slot.shadow.scored, shadowing.waiting) == (0, 1)
    shadowing.work(1.0)
    assert (slot.shadow.scored, slot.shadow.failed, shadowing.waiting) == (1, 0, 0)

    challenger.moody = True
    assert (await asked(predict, BODY)).answer[0] == 200
    shadowing.work(1.0)
    assert (slot.shadow.scored, slot.shadow.failed) == (1, 1)
    assert slot.shadow.problem == "version 0: no reason"

    slot.log.flush()
    read = predictions(Places(tmp_path), "credit")
    assert read.rows == 2
    assert read.shadow_probability[0] == credit(intercept=1.0).model.score_row(CREDIT)[1]
    assert str(read.shadow_probability[1]) == "nan"


async def test_rows_that_do_not_fit_the_queue_are_dropped_and_counted(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    slot.challenger = Served(credit(intercept=1.0).model)
    shadowing = Shadowing(room=3)
    predict = Predict(slot, shadowing, 1000)
    for _ in range(5):
        assert (await asked(predict, BODY)).answer[0] == 200
    assert (shadowing.waiting, slot.shadow.dropped) == (3, 2)


def test_a_slice_ends_in_time_however_much_waits(tmp_path: Path) -> None:
    slot = slot_of(tmp_path)
    slot.challenger = Served(credit().model)
    shadowing, predict = Shadowing(), Predict(slot, Shadowing(), 1000)
    row, answer = predict.predict(slot.champion, BODY)  # type: ignore[arg-type]  # it was set above
    for _ in range(100):
        shadowing.offer(slot, slot.challenger, row, answer)
    shadowing.work(seconds=0.0)
    assert shadowing.waiting == 99


# --- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sent", "kept"),
    [
        (credit, 1, 1),
        (credit, 1.0, 1),
        (credit, "0", 0),
        (credit, True, None),
        (credit, 2, None),
        (credit, "1.0", None),
        (credit, None, None),
        (credit, [1], None),
        (rents, "late", "late"),
        (rents, "Late", None),
        (rents, 1, None),
        (housing, 3, 3.0),
        (housing, "3", None),
        (housing, float("nan"), None),
        (housing, float("inf"), None),
        (housing, 10**400, None),
    ],
    ids=str,
)
def test_a_label_is_a_class_of_the_model_or_a_number(model: Any, sent: Any, kept: Any) -> None:
    served = Served(model().model)
    body = {"prediction_id": ID, "label": sent}
    if kept is None:
        with pytest.raises(RefusedError, match="label: should be "):
            labels_in(body, served, 0.0)
    else:
        [label] = labels_in(body, served, 0.0)
        assert label == Label(ID, kept, "1970-01-01T00:00:00.000Z")
        assert type(label.label) is type(kept)


def test_more_labels_than_fit_one_request_are_refused() -> None:
    served = Served(credit().model)
    body = [{"prediction_id": ID, "label": 1}] * AT_ONCE
    assert len(labels_in(body, served, 0.0)) == AT_ONCE
    with pytest.raises(RefusedError, match="should hold 1 to"):
        labels_in([*body, body[0]], served, 0.0)


# --- figures ---------------------------------------------------------------------------------------------------------


def test_percentiles_are_of_the_newest_answers_and_the_histogram_of_all() -> None:
    latency = Latency()
    assert latency.percentiles_ms() == {}
    for _ in range(5000):
        latency.add(9.0)
    for n in range(KEPT):
        latency.add(n / 1e6)
    assert latency.percentiles_ms() == {"p50": 1.024, "p95": 1.945, "p99": 2.027, "max": 2.047}
    counts = dict(latency.histogram().cumulative())
    assert (counts["0.001"], counts["0.0025"], counts["+Inf"]) == (1001, KEPT, 5000 + KEPT)
    latency.add(0.5)
    assert dict(latency.histogram().cumulative())["+Inf"] == 5001 + KEPT
