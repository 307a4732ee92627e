"""Real sockets, virtual time: an outage of a minute takes a moment."""

from collections.abc import AsyncIterator, Mapping

import pytest
from telegram import Bot

from tests.fixtures.bot_api.standin import StandIn, standing_in
from tests.fixtures.loopback_time import LoopbackLoop
from tests.integration.telegram.bots import bot_of


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[LoopbackLoop]]:
    return {"loopback": LoopbackLoop}


@pytest.fixture
async def telegram() -> AsyncIterator[StandIn]:
    """A stand-in with one person, Ann (7), whose private chat has her id."""
    async with standing_in() as stand_in:
        stand_in.add_user(7, "Ann")
        yield stand_in


@pytest.fixture
async def bot(telegram: StandIn) -> AsyncIterator[Bot]:
    async with bot_of(telegram) as bot:
        yield bot
