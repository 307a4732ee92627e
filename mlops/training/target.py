"""The target of a training: its two classes or its numbers, and whether a feature gives it away."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.models.card import Class
from mlops.tables.table import Table

Numbers = NDArray[np.float64]
SAME = 1e-9  # of the target's spread: what differs less is the same
ALONE = 0.999  # ROC AUC or squared correlation from which one feature alone tells the target


def classes_of(table: Table, spec: ModelSpec) -> tuple[Class, Class] | None:
    """The other class and the positive one, None of a regression; BadInputError where there are not two."""
    where = f"{table.path}: column {spec.target!r}"
    if spec.task == "regression":
        if table.kinds[spec.target] != "number":
            raise BadInputError(
                "a regression needs a target of numbers", where=where, do='set task to "classification"'
            )
        return None
    texts = table.texts(spec.target)
    found = sorted({text for text in texts.tolist() if text is not None})
    if len(found) == 1:
        raise BadInputError(f"only one class, {found[0]!r}", where=where, do="nothing can be told apart")
    if len(found) != 2:
        shown = ", ".join(map(repr, found[:5])) + (", ..." if len(found) > 5 else "")
        do = 'models tell two classes apart: name a target with two, or set task to "regression"'
        raise BadInputError(f"{len(found)} classes: {shown}", where=where, do=do)
    if spec.positive not in found:
        what = (
            f"no row has the positive class {spec.positive!r}; the classes are {found[0]!r} and {found[1]!r}"
        )
        raise BadInputError(what, where=where, do="set `positive` of the model to one of them")
    other = found[0] if found[1] == spec.positive else found[1]
    number = table.kinds[spec.target] == "number"
    return (_number(other), _number(spec.positive)) if number else (other, spec.positive)


def _number(text: str) -> Class:
    value = float(text)
    return int(value) if value.is_integer() else value


def outcomes(table: Table, target: str, classes: tuple[Class, Class] | None) -> Numbers:
    """The target as numbers: 1 for the positive class, 0 for the other; NaN where it is missing or neither."""
    values = table.column(target)
    if classes is None:
        return values.astype(np.float64)
    other, positive = (values == each for each in classes)
    return np.where(positive, 1.0, np.where(other, 0.0, np.nan))


def check_spread(outcome: Numbers, table: Table, target: str) -> None:
    """BadInputError where every row that is learnt from has the same target."""
    if np.ptp(outcome) == 0:
        what = f"every row to learn from has the same value, {outcome[0]:g}"
        raise BadInputError(
            what, where=f"{table.path}: column {target!r}", do="nothing can be learnt from that"
        )


def leaks(table: Table, names: tuple[str, ...], spec: ModelSpec, outcome: Numbers) -> list[str]:
    """Features that tell the target alone, as notes; BadInputError for one that is the target."""
    notes = []
    for name in names:
        values: Any = table.columns[name]
        if table.kinds[name] == "category":
            is_target, tells = _words_tell(values, outcome)
        else:
            is_target, tells = _numbers_tell(values, outcome, two=spec.task == "classification")
        if is_target:
            what = f"is the target {spec.target!r} in other words"
            where = f"{table.path}: column {name!r}"
            raise BadInputError(
                what, where=where, do="a model that learns from it knows nothing: name it under `ignored`"
            )
        if tells:
            notes.append(f"column {name!r} alone tells the target: is it known when predictions are made?")
    return notes


def _words_tell(values: NDArray[Any], outcome: Numbers) -> tuple[bool, bool]:
    """Two words that stand for the two outcomes are the target."""
    known = values != None  # noqa: E711 -- element by element
    words, codes = np.unique(values[known].astype(str), return_inverse=True)
    if not 2 <= len(words) <= max(2, len(values) // 20):
        return False, False
    shares = np.bincount(codes, outcome[known]) / np.bincount(codes)
    pure = bool(np.isin(shares, (0.0, 1.0)).all()) and np.ptp(shares) == 1
    return pure and len(words) == 2 and bool(known.all()), pure


def _numbers_tell(values: Numbers, outcome: Numbers, *, two: bool) -> tuple[bool, bool]:
    known = ~np.isnan(values)
    x, y = values[known], outcome[known]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return False, False
    x = (x - x.mean()) / x.std()
    slope = float(x @ (y - y.mean())) / len(x)
    rest = float(np.abs(y - y.mean() - slope * x).max())
    is_target = bool(known.all()) and rest <= SAME * float(np.ptp(y))
    if two:
        low, high = x[y == 0], x[y == 1]
        return is_target, bool(low.max() < high.min() or high.max() < low.min())
    return is_target, (slope / float(y.std())) ** 2 >= ALONE
