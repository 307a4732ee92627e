"""What a look says: of each column, and of all of them together."""

from typing import Literal

from msgspec import Struct

Word = Literal["drift", "no_drift", "not_enough_data"]


class ColumnVerdict(Struct, frozen=True, kw_only=True):
    """One column. `p_value` holds for all its tests together and is compared with `level`."""

    name: str
    kind: Literal["number", "category"]
    verdict: Word
    reason: str
    p_value: float = 1.0
    level: float = 0.0  # what the budget gives this column at this look
    effect: float = 0.0  # standard deviations of a normal that was shifted as far
    rows: int = 0  # cells of the window that hold a value
    needed: int | None = 0  # further rows; None: the reference is too short for any number
    missing: float = 0.0  # share of the window
    missing_reference: float = 0.0
    missing_p_value: float = 1.0
    statistic: str = ""  # what Evidently's defaults would take
    statistic_value: float | None = None
    statistic_drifted: bool = False
    new_categories: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    verdict: Word
    drift_score: float  # share of drifted features
    features: tuple[ColumnVerdict, ...]
    outputs: tuple[ColumnVerdict, ...] = ()  # what the model answers; no part of the score
    needed: int | None = 0  # further rows until "no drift" can be said; None: the reference is too short
    rows: int = 0
    level: float = 0.0  # false alarms that this look may cost
    unknown_columns: tuple[str, ...] = ()  # in the window, not in the reference

    @property
    def drifted(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.features if column.verdict == "drift")
