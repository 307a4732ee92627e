"""Every unit test runs in virtual time."""

import asyncio

import pytest

from tests.fixtures.virtual_time import VirtualPolicy


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    return VirtualPolicy()
