"""Tables as columns: reading, missing values, fingerprints, splits."""

from mlops.tables.cells import MISSING, is_missing
from mlops.tables.dialect import Dialect, sniff
from mlops.tables.fingerprint import Fingerprint, fingerprint
from mlops.tables.reading import read_table
from mlops.tables.splits import Split, split
from mlops.tables.table import Kind, Table, features
from mlops.tables.writing import write_table

__all__ = [
    "MISSING",
    "Dialect",
    "Fingerprint",
    "Kind",
    "Split",
    "Table",
    "features",
    "fingerprint",
    "is_missing",
    "read_table",
    "sniff",
    "split",
    "write_table",
]
