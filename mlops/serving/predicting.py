"""POST /predict: validate, score, log, answer, and hand the row to the challenger afterwards."""

import time
from typing import Any

from msgspec import Struct

from mlops.models.rows import BadRowError
from mlops.predictions.records import Prediction, Value
from mlops.serving.refusals import RefusedError, Trouble, decoded, features_in, row_refused
from mlops.serving.served import Served
from mlops.serving.shadowing import Shadowing
from mlops.serving.slot import Slot
from mlops.serving.wire import (
    BODY_S,
    ForeignError,
    GoneError,
    Receive,
    Scope,
    Send,
    TooLargeError,
    TooSlowError,
    answer,
    encode,
    read_body,
)

TOO_SLOW = Trouble(f"the body was not there within {BODY_S:g} s")
FOREIGN = Trouble("pages of other origins may not ask here")
NO_CHAMPION = "train it: python scripts/train_model.py, or roll back: python scripts/rollback_model.py"


class Answer(Struct, frozen=True):
    """What the champion says of one row."""

    prediction: Value
    probability: float | None  # of the positive class; null in a regression
    model_version: int
    prediction_id: str
    timestamp: str


class Predict:
    """An ASGI application of its own, so that nothing stands between the server and the model."""

    def __init__(self, slot: Slot, shadowing: Shadowing, max_body_bytes: int) -> None:
        self.slot, self._shadowing, self._limit = slot, shadowing, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        slot, figures = self.slot, self.slot.figures
        served = slot.champion
        try:
            body = await read_body(scope, receive, self._limit)
            if served is None:
                figures.unready += 1
                return await answer(send, 503, encode(unready(slot)))
            row, result = self.predict(served, body)
        except RefusedError as error:
            figures.refused += 1
            return await answer(send, 422, encode(error.refusal))
        except TooLargeError:
            figures.too_large += 1
            return await answer(send, 413, encode(Trouble(f"the body exceeds {self._limit} bytes")))
        except ForeignError:
            figures.refused += 1
            return await answer(send, 403, encode(FOREIGN))
        except TooSlowError:
            figures.refused += 1
            return await answer(send, 408, encode(TOO_SLOW))
        except GoneError:
            return None
        except Exception as error:  # noqa: BLE001 -- a model that fails at one row must answer the next
            figures.failed += 1
            figures.problem = f"version {served.version if served else 0}: {type(error).__name__}: {error}"
            return await answer(send, 500, encode(Trouble("the model failed at this row; see /health")))
        await answer(send, 200, encode(result))
        slot.latency.add(time.perf_counter() - began)
        if slot.challenger is not None:
            self._shadowing.offer(slot, slot.challenger, row, result)
        return None

    def predict(self, served: Served, body: bytes) -> tuple[dict[str, Any], Answer]:
        """The row that was scored and what is answered; it is in the log's buffer by then."""
        row, said, probability = scored(served, body)
        slot, figures = self.slot, self.slot.figures
        number, timestamp = slot.stamps.next(time.time())
        line = Prediction(
            prediction_id=number,
            timestamp=timestamp,
            model=slot.name,
            model_version=served.version,
            features={name: row[name] for name in served.features},
            prediction=said,
            probability=probability,
        )
        slot.log.add(timestamp[:10], encode(line))
        figures.answered += 1
        figures.versions[served.version] += 1
        if probability is not None:
            figures.said[said] += 1
        return row, Answer(said, probability, served.version, number, timestamp)


def scored(served: Served, body: bytes) -> tuple[dict[str, Any], Value, float | None]:
    """The row in a body, its prediction and probability; RefusedError names each field that is wrong."""
    sent = decoded(body)
    plain = type(sent) is dict and "features" not in sent
    row, at = (sent, []) if plain else features_in(sent, served.features)
    try:
        return row, *served.score(row)
    except BadRowError as error:
        raise row_refused(error, served.model.encoder, row, at) from None


def unready(slot: Slot) -> Trouble:
    return Trouble(f"model {slot.name!r} cannot be served: {slot.problem}; {NO_CHAMPION}")
