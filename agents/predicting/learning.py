"""Work for a worker process: learns to predict failures from the pasts on disk, and keeps what does better than chance."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Struct

from agents.predicting.past import COUNTED, DAY_ROWS, FIGURES, PLACE, recorded
from analysis.prediction.boosted import ROUNDS
from analysis.prediction.forward import Forward, forward
from analysis.prediction.learnt import Learnt, learn
from analysis.prediction.record import Record
from analysis.prediction.scorer import Scorer, scorer
from utils.array_files import Singles, read_array

DEADLINE_S = 1200.0
HORIZON_S = (600.0, 7200.0)
LEAST_FAILURES = 5
LEAST_DAYS = 2.0  # of samples, of all services together
FALSE_PER_DAY = 1.0  # words to people that come to nothing, of all services together
ROWS_OF_A_WORD = 2  # a false alarm seldom is one row; so that the promise is kept also on a bad day
LEAST_TOLD = 2
LEAST_SHARE = 0.25  # of the later failures: who tells fewer is not worth the words
CHANCE = 0.01
MOST_OTHERS = 8
MODEL, CARD = "failures.model", "failures_card.json"
UNFORESEEN = (
    "Failures without a sign in these figures and without a habit: a cut cable, a crash on one request, a bad deploy, "
    "and any kind that had not happened before."
)


class Card(Struct, frozen=True):
    """What was learnt from, and how good that was on the time after what it learnt from."""

    used: bool
    why: str
    services: int
    days: float  # of samples, of all services together
    failures: int
    until: str = ""  # UTC
    forward: Forward | None = None
    threshold: float = 0.0
    horizon_s: tuple[float, float] = HORIZON_S
    promised_false_per_day: float = FALSE_PER_DAY
    cannot_foresee: str = UNFORESEEN


class Outcome(Struct, frozen=True):
    """`scorer` is None where nothing was learnt that is worth a word to people."""

    card: Card
    scorer: Scorer | None


def past_file(folder: Path, service: str) -> Path:
    return folder / f"{service}.past"


def kept_and_learnt(folder: Path, services: tuple[str, ...], unix: float, rounds: int = ROUNDS) -> Outcome:
    """`unix`: the wall clock, in seconds since 1970, at 0 of the daemon's own clock."""
    found = [read_array(past_file(folder, service)) for service in services]
    pasts = [each for each in found if each is not None and len(each[1])]
    outcome, learnt = _learnt(pasts, unix, rounds)
    if learnt is None:
        (folder / MODEL).unlink(missing_ok=True)
    else:
        _write(folder / MODEL, _sealed(msgspec.json.encode((outcome.card, learnt))))
    card = json.dumps(msgspec.to_builtins(outcome.card), indent=1)
    _write(folder / CARD, card.encode() + b"\n")
    return outcome


def recalled(folder: Path) -> Outcome | None:
    """None where there is none that can be believed."""
    try:
        line, _, data = (folder / MODEL).read_bytes().partition(b"\n")
        if line != b"%08x" % crc32(data):
            return None
        card, learnt = msgspec.json.decode(data, type=tuple[Card, Learnt])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Outcome(card, scorer(learnt))


def _learnt(
    pasts: Sequence[tuple[tuple[str, ...], Singles]], unix: float, rounds: int
) -> tuple[Outcome, Learnt | None]:
    failures = sum(int(np.isfinite(rows[:, 2]).sum()) for _, rows in pasts)
    days = sum(len(rows) for _, rows in pasts) / DAY_ROWS
    if failures < LEAST_FAILURES or days < LEAST_DAYS:
        return Outcome(
            Card(
                used=False, why="too little to learn from", services=len(pasts), days=days, failures=failures
            ),
            None,
        ), None
    samples = recorded(pasts, _names(pasts))
    budget = min(FALSE_PER_DAY * ROWS_OF_A_WORD / DAY_ROWS / len(pasts), 0.5)
    held = forward(samples, HORIZON_S, budget, rounds=rounds)
    why = why_not(held)
    learnt = None if why else learn(samples, HORIZON_S, budget, rounds=rounds, exact=True)
    card = Card(
        used=learnt is not None,
        why=why or ("" if learnt else "all failures stand together"),
        services=len(pasts),
        days=days,
        failures=failures,
        until=_until(samples, unix),
        forward=held,
        threshold=learnt.threshold if learnt else 0.0,
    )
    return Outcome(card, scorer(learnt) if learnt else None), learnt


def why_not(held: Forward | None) -> str:
    if held is None:
        return "too few failures to learn from some and to try it on others"
    least = max(LEAST_TOLD, ceil(LEAST_SHARE * held.failures))
    if held.told < least:
        return f"{held.told} of {held.failures} later failures told, where {least} are the least"
    if held.chance > CHANCE:
        return f"words at random times tell as many in {held.chance:.1%} of all cases"
    if held.false_per_day > FALSE_PER_DAY:
        return f"{held.false_per_day:.1f} false words a day, where {FALSE_PER_DAY:g} is promised"
    return ""


def _until(samples: Record, unix: float) -> str:
    return datetime.fromtimestamp(float(samples.t.max()) + unix, UTC).isoformat(timespec="seconds")


def _names(pasts: Sequence[tuple[tuple[str, ...], Singles]]) -> tuple[str, ...]:
    own = (*FIGURES, *COUNTED)
    others = Counter(name for names, _ in pasts for name in names if name not in {*PLACE, *own})
    return (*own, *(name for name, _ in others.most_common(MOST_OTHERS)))


def _sealed(data: bytes) -> bytes:
    return b"%08x\n" % crc32(data) + data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)
