"""Loans and who did not pay them back: a few of many, told apart by score, income, age and time in work."""

from typing import Any, TypeAlias

import numpy as np

from mlops.generators.drift import NONE, Drift, shifted
from mlops.tables.table import Table, make_table

Values: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
ROWS = 10_000
SIGMAS = {"age": 12.61, "income": 22_440.0, "credit_score": 75.62, "employment_years": 6.907}  # without drift
_DECIMALS = {"age": 0, "income": 0, "credit_score": 0, "employment_years": 1}
_STEEPNESS = 4.0  # how sharply good and bad risks part


def credit_risk(rows: int = ROWS, seed: int = 0, drift: Drift = NONE) -> Table:
    """The same table for the same arguments; `default`, 1 where a loan was not paid back, is the target."""
    rng = np.random.default_rng(seed)
    columns = shifted(_people(rng, rows), SIGMAS, drift)
    columns = {name: np.round(values, _DECIMALS[name]) for name, values in columns.items()}
    risk = (1 - drift.concept) * _risk(columns) + drift.concept * _risk_after(columns)
    chance = 1.0 / (1.0 + np.exp(-_STEEPNESS * risk))
    return make_table({**columns, "default": (rng.random(rows) < chance).astype(np.float64)})


def _people(rng: np.random.Generator, rows: int) -> dict[str, Values]:
    age = np.clip(18.0 + 25.5 * rng.gamma(4.0, 0.25, rows), 18.0, 95.0)
    employment = np.minimum((age - 18.0) * rng.beta(1.2, 2.8, rows), 50.0)
    luck = rng.normal(size=rows)
    income = np.clip(np.exp(10.55 + 0.012 * employment + 0.45 * luck), 8_000.0, 400_000.0)
    score = np.clip(
        675.0 + 30.0 * luck + 1.2 * (employment - 8.0) + 70.0 * rng.normal(size=rows), 300.0, 850.0
    )
    return {"age": age, "income": income, "credit_score": score, "employment_years": employment}


def _standard(x: dict[str, Values]) -> tuple[Values, Values, Values, Values]:
    """How far each value lies from the middle without drift, in standard deviations; income by its logarithm."""
    return (
        (x["age"] - 43.5) / SIGMAS["age"],
        np.log(np.maximum(x["income"], 1_000.0) / 41_500.0) / 0.46,
        (x["credit_score"] - 675.0) / SIGMAS["credit_score"],
        (x["employment_years"] - 7.6) / SIGMAS["employment_years"],
    )


def _risk(x: dict[str, Values]) -> Values:
    """Above zero more do not pay than do: low scores and incomes, the more so together, and the young without work."""
    age, income, score, work = _standard(x)
    together = np.maximum(-score, 0.0) * np.maximum(-income, 0.0)
    return -1.45 - 0.85 * score - 0.50 * income - 0.30 * work - 0.20 * age + 0.35 * together


def _risk_after(x: dict[str, Values]) -> Values:
    """Another rule: the score says little, and those who earn much owe too much."""
    age, income, score, work = _standard(x)
    return -1.45 - 0.15 * score + 0.85 * income - 0.30 * work + 0.35 * age
