"""The loop of the unit tests, whose helpers these sweeps use."""

from collections.abc import Mapping

import pytest

from tests.fixtures.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[VirtualLoop]]:
    return {"virtual": VirtualLoop}
