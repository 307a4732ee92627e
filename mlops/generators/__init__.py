"""Seeded makers of the example tables, with drift and damage that are known."""

from mlops.generators.credit import credit_risk
from mlops.generators.damage import Damage, Damaged, Mark, damage
from mlops.generators.drift import Drift
from mlops.generators.housing import housing
from mlops.generators.shipped import SHIPPED, ensure_data

__all__ = [
    "SHIPPED",
    "Damage",
    "Damaged",
    "Drift",
    "Mark",
    "credit_risk",
    "damage",
    "ensure_data",
    "housing",
]
