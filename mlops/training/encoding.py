"""What an encoder learns from a table: medians, the values of categories, and what may be missing."""

from collections import Counter

import numpy as np

from mlops.errors import BadInputError
from mlops.models.encoder import CategoryField, Encoder, NumberField
from mlops.tables.table import Table

MOST_VALUES = 50  # of a category; rarer ones count as none of them
NAMES_SHARE = 0.5  # of different texts among the rows: above that they are names, not categories


def learn_encoder(table: Table, names: tuple[str, ...], *, fill: bool) -> Encoder:
    """`fill`: missing numbers become the median. BadInputError names the column nothing can be learnt from."""
    numbers, categories = [], []
    for name in names:
        missing = table.missing(name)
        if missing.all():
            do = "name it under `ignored`, or repair the data"
            raise BadInputError(
                "no row to learn from has a value", where=f"{table.path}: column {name!r}", do=do
            )
        values, nullable = table.columns[name][~missing], bool(missing.any())
        if table.kinds[name] == "number":
            numbers.append(NumberField(name, float(np.median(values)) if fill else None, nullable))
        else:
            categories.append(CategoryField(name, _values(values.tolist(), table, name), nullable))
    return Encoder(tuple(numbers), tuple(categories))


def _values(texts: list[str], table: Table, name: str) -> tuple[str, ...]:
    counts = Counter(texts)
    if len(counts) > MOST_VALUES and len(counts) > NAMES_SHARE * len(texts):
        what = f"holds {len(counts):,} different texts in {len(texts):,} rows: names, no categories"
        raise BadInputError(what, where=f"{table.path}: column {name!r}", do="name it under `ignored`")
    common = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_VALUES]
    return tuple(sorted(common))
