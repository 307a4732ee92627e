"""California's housing table as it might be: block groups in towns and on the land, and what a house costs there."""

from typing import Any, TypeAlias

import numpy as np

from mlops.generators.drift import NONE, Drift, shifted
from mlops.tables.table import Table, make_table

Values: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
ROWS = 20_640
# latitude, longitude, spread in degrees, share of the block groups, what a place there adds to a price
_TOWNS = np.array([
    (34.05, -118.25, 0.22, 0.36, 0.35),
    (37.75, -122.35, 0.20, 0.20, 0.65),
    (32.80, -117.10, 0.15, 0.09, 0.30),
    (38.58, -121.45, 0.18, 0.08, -0.10),
    (36.75, -119.75, 0.30, 0.08, -0.45),
    (33.95, -117.35, 0.20, 0.10, -0.15),
    (35.37, -119.02, 0.25, 0.05, -0.50),
    (40.20, -122.20, 0.70, 0.04, -0.40),
])  # fmt: skip
# standard deviations without drift
SIGMAS = {
    "MedInc": 1.943, "HouseAge": 14.11, "AveRooms": 1.458, "AveBedrms": 0.0899, "Population": 1009.0,
    "AveOccup": 0.7595, "Latitude": 2.118, "Longitude": 1.9625,
}  # fmt: skip
_DECIMALS = {
    "MedInc": 4, "HouseAge": 0, "AveRooms": 6, "AveBedrms": 6, "Population": 0, "AveOccup": 6, "Latitude": 2,
    "Longitude": 2,
}  # fmt: skip
_LOWEST, _HIGHEST = 0.14999, 5.00001  # as in the census of 1990, in 100,000 dollars


def housing(rows: int = ROWS, seed: int = 0, drift: Drift = NONE) -> Table:
    """The same table for the same arguments; `MedHouseVal` is the target."""
    rng = np.random.default_rng(seed)
    columns = shifted(_block_groups(rng, rows), SIGMAS, drift)
    columns = {name: np.round(values, _DECIMALS[name]) for name, values in columns.items()}
    noise = rng.normal(0.0, 0.215, rows)
    log_price = (1 - drift.concept) * _log_price(columns) + drift.concept * _log_price_after(columns)
    price = np.clip(np.exp(log_price + noise), _LOWEST, _HIGHEST)
    return make_table({**columns, "MedHouseVal": np.round(price, 5)})


def _block_groups(rng: np.random.Generator, rows: int) -> dict[str, Values]:
    town = rng.choice(len(_TOWNS), rows, p=_TOWNS[:, 3])
    away = rng.normal(0.0, 1.0, (2, rows)) * _TOWNS[town, 2] * rng.gamma(2.0, 0.5, rows)
    wealth = rng.normal(0.0, 1.0, rows)
    income = np.clip(np.exp(1.26 + 0.47 * wealth), 0.4999, 15.0001)
    age = np.clip(30.0 + 14.0 * rng.normal(size=rows) - 25.0 * np.hypot(*away) + 3.0, 1.0, 52.0)
    rooms = np.clip(3.0 + 0.55 * income + 1.0 * rng.normal(size=rows), 1.0, None)
    people = np.clip(np.exp(7.0 + 0.66 * rng.normal(size=rows)), 3.0, 16_000.0)
    occupancy = np.clip(np.exp(1.05 - 0.04 * wealth + 0.25 * rng.normal(size=rows)), 1.0, 12.0)
    return {
        "MedInc": income,
        "HouseAge": age,
        "AveRooms": rooms,
        "AveBedrms": np.clip(1.06 + 0.09 * rng.normal(size=rows), 0.5, None),
        "Population": people,
        "AveOccup": occupancy,
        "Latitude": np.clip(_TOWNS[town, 0] + away[0], 32.54, 41.95),
        "Longitude": np.clip(_TOWNS[town, 1] + away[1], -124.35, -114.31),
    }


def _log_price(x: dict[str, Values]) -> Values:
    """What people pay: by income, by place, less where many live in a house, a little more where houses are old."""
    return (
        0.72
        + 0.75 * np.log(np.maximum(x["MedInc"], 0.3) / 3.5)
        + _of_the_place(x["Latitude"], x["Longitude"])
        - 0.45 * np.log(np.maximum(x["AveOccup"], 0.5) / 2.8)
        + 0.004 * (x["HouseAge"] - 28.0)
        + 0.02 * (x["AveRooms"] - 5.4)
    )  # fmt: skip


def _log_price_after(x: dict[str, Values]) -> Values:
    """Another rule: place counts no more, income less, and new houses are wanted."""
    return (
        0.85
        + 0.30 * np.log(np.maximum(x["MedInc"], 0.3) / 3.5)
        - 0.45 * np.log(np.maximum(x["AveOccup"], 0.5) / 2.8)
        - 0.012 * (x["HouseAge"] - 28.0)
    )  # fmt: skip


def _of_the_place(latitude: Values, longitude: Values) -> Values:
    """What the towns around add to a price, weighted by how near they are; nearer to the sea is dearer."""
    total, weights = np.zeros_like(latitude), np.full_like(latitude, 0.02)
    for at, along, spread, _, worth in _TOWNS:
        near = np.exp(-((latitude - at) ** 2 + (longitude - along) ** 2) / (2 * (2.5 * spread) ** 2))
        total += near * worth
        weights += near
    coast = -(longitude + 1.05 * (latitude - 37.75) + 122.5)  # degrees west of a line along the coast
    return total / weights + 0.35 * np.tanh(coast)
