"""Drift that is known: which columns move by how much, and how far the target follows another rule."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from config.problems import nearest
from mlops.errors import BadInputError


class Drift(Struct, frozen=True, kw_only=True):
    """`shifts` in standard deviations of the column without drift; `concept` from 0, the old rule, to 1, another one.

    The target is made after the shifts: they alone change what is asked, the concept what is right.
    """

    shifts: Mapping[str, float] = {}
    concept: float = 0.0


NONE = Drift()


def shifted(
    columns: dict[str, "np.ndarray[Any, np.dtype[np.float64]]"], sigmas: Mapping[str, float], drift: Drift
) -> dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]:
    """The columns with the drift's shifts. Raises BadInputError for a column that cannot be shifted."""
    for name in drift.shifts:
        if name not in sigmas:
            raise BadInputError(
                f"column {name!r} cannot be shifted", do=nearest(name, sigmas).removeprefix("; ")
            )
    if not 0 <= drift.concept <= 1:
        raise BadInputError(f"concept drift goes from 0 to 1, not {drift.concept}")
    return {
        name: values + drift.shifts[name] * sigmas[name] if name in drift.shifts else values
        for name, values in columns.items()
    }
