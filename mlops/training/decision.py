"""Whether a newly trained version takes over at once: judged beside the champion on the same rows that were held out.

This is the rule of a person's own training. What is retrained by itself goes through the evaluation gate.
"""

import numpy as np
from msgspec import Struct

from mlops.errors import BadInputError
from mlops.models.card import Metric
from mlops.models.loaded import LoadedModel
from mlops.tables.table import Table
from mlops.training.metrics import MEASURES, draws, interval
from mlops.training.train import judged


class Decision(Struct, frozen=True):
    promote: bool
    why: str
    difference: Metric | None = None  # of accuracy, new less champion


def decide(champion: LoadedModel, new: LoadedModel, held_out: Table, *, seed: int = 0) -> Decision:
    """Promote unless its accuracy is worse by more than chance explains, the whole interval below zero."""
    ours, theirs = new.card, champion.card
    if (ours.target, ours.classes) != (theirs.target, theirs.classes):
        return Decision(promote=True, why=f"the champion predicts something else ({theirs.target!r})")
    try:
        difference = compare(champion, new, held_out, seed=seed)
    except BadInputError as error:
        return Decision(promote=True, why=f"the champion cannot score today's table: {error}")
    figures = (
        f"accuracy {difference.value:+.4f} (95 % between {difference.low:+.4f} and {difference.high:+.4f})"
    )
    if difference.high < 0:
        why = f"worse than the champion on the same {held_out.rows:,} rows: {figures}"
        return Decision(promote=False, why=why, difference=difference)
    return Decision(promote=True, why=f"not worse than the champion: {figures}", difference=difference)


def compare(champion: LoadedModel, new: LoadedModel, table: Table, *, seed: int = 0) -> Metric:
    """The difference of their accuracies on the same rows; every bootstrap sample judges both."""
    outcome, before = judged(champion, table)
    _, after = judged(new, table)
    accuracy = MEASURES[new.card.task]["accuracy"]

    def difference(weight: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
        return accuracy(outcome, after, weight) - accuracy(outcome, before, weight)

    value = difference(np.ones(len(outcome)))
    drawn = np.array([difference(weight) for weight in draws(len(outcome), seed)])
    return Metric(value, *interval(drawn, value))
