"""The tables that examples and the shipped configuration use, made where nobody put one."""

from collections.abc import Callable

from config.monitoring import MonitoringConfig
from mlops.generators.credit import credit_risk
from mlops.generators.housing import housing
from mlops.places import Places
from mlops.tables.table import Table
from mlops.tables.writing import write_table

SHIPPED: dict[str, Callable[[], Table]] = {
    "data/raw/housing.csv": housing,
    "data/raw/credit_risk.csv": credit_risk,
}


def ensure_data(places: Places, config: MonitoringConfig) -> tuple[str, ...]:
    """Make the shipped tables that the configuration names and that are absent; which ones were made.

    What is there is never touched, nor is a name of ours taken for a table with another target.
    """
    made = []
    for name in config.tables:
        path = places.table(name)
        maker = SHIPPED.get(name)
        if maker is None or path.exists():
            continue
        table = maker()
        if all(spec.target in table.names for spec in config.models if spec.data == name):
            write_table(table, path, replace=False)
            made.append(name)
    return tuple(made)
