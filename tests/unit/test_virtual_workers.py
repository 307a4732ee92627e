"""The virtual twin of the workers passes what the real ones pass, in no time."""

import pytest

from tests.fixtures import worker_jobs as jobs
from tests.fixtures.virtual_workers import VirtualWorkers
from tests.fixtures.workers_conformance import WorkersConformance


class TestVirtualWorkers(WorkersConformance):
    @pytest.fixture
    def workers(self) -> VirtualWorkers:
        return VirtualWorkers(seconds={jobs.nap: lambda seconds: seconds}, deadly=frozenset({jobs.die}))
