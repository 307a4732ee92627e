"""What is wrong with something that a person gave us: one clear line, never a traceback."""

from importlib.util import find_spec
from pathlib import Path


class BadInputError(Exception):
    """Bad input: what is wrong, where (file, column, JSON path), what to do about it. Scripts exit with 2."""

    def __init__(self, what: str, *, where: str | Path = "", do: str = "") -> None:
        self.what, self.where, self.do = what, str(where), do
        place = f"{where}: " if str(where) else ""
        super().__init__(f"{place}{what}" + (f"; {do}" if do else ""))


def need(library: str, why: str) -> None:
    """Raise BadInputError where a library of the extra `mlops` is absent."""
    if find_spec(library) is None:
        raise BadInputError(f"{why} needs {library}", do="install the extra mlops: make setup-mlops")
