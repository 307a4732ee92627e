"""Every unit test runs in virtual time."""

import gc
from collections.abc import Mapping

import pytest

from tests.fixtures.virtual_time import VirtualLoop

gc.disable()  # until all modules are there: looking through them again and again for garbage takes seconds


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[VirtualLoop]]:
    return {"virtual": VirtualLoop}
