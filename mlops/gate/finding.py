"""What one rule of the gate says: pass, fail, or not yet."""

from enum import StrEnum
from typing import Self

from msgspec import Struct


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"  # more samples can tell


class Finding(Struct, frozen=True, kw_only=True):
    """`says` is for people and holds the figures; `figure` and `limit` are for programs."""

    rule: str
    outcome: Outcome
    says: str
    figure: float | None = None
    limit: float | None = None

    @classmethod
    def of(cls, rule: str, outcome: Outcome, says: str, figure: float, limit: float) -> Self:
        return cls(rule=rule, outcome=outcome, says=says, figure=round(figure, 6), limit=limit)


def outcome(*, failed: bool, undecided: bool = False) -> Outcome:
    if failed:
        return Outcome.FAILED
    return Outcome.UNDECIDED if undecided else Outcome.PASSED
