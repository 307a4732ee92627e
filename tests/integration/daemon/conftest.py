"""A loop on which a whole daemon can die; and nobody listens to its log."""

from collections.abc import Iterator, Mapping

import pytest
from structlog.testing import capture_logs

from tests.fixtures.mortal_loop import MortalLoop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, type[MortalLoop]]:
    return {"mortal": MortalLoop}


@pytest.fixture(autouse=True)
def unheard_log() -> Iterator[None]:
    with capture_logs():
        yield
