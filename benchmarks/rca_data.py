"""The public failure cases and the functions of their judge, where they are."""

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.measure import ROOT

DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data")) / "rca"
SETS = ("nezha-ob", "nezha-tt", "petshop", "sockshop-opennetai")
Ranker = Callable[[Any], list[tuple[str, str | None]]]


def there() -> bool:
    return (DATA / "judge.py").is_file()


def cases(name: str, late: int = 0) -> Iterator[tuple[dict[str, Any], Any]]:
    """(what was the cause, the case without it)"""
    yield from _judge().cases(str(DATA), name, late)


def judged(rank: Ranker, name: str, late: int = 0) -> dict[str, float]:
    found: dict[str, float] = _judge().judge(rank, name, str(DATA), late)
    return found


def figures(places: Sequence[int]) -> dict[str, float]:
    """ac1, ac3 and avg5 of the places that culprits were ranked at."""
    found: dict[str, float] = _judge().figures(list(places))
    return found


def _judge() -> ModuleType:
    described = importlib.util.spec_from_file_location("rca_judge", DATA / "judge.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module
