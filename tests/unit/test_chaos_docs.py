"""The page of faults names every fault with its options, and nothing else."""

from pathlib import Path

import pytest

from platforms.chaos.fault import Ground
from platforms.chaos.names import FAULTS
from platforms.chaos.registry import Faults
from tests.fixtures.recovery_stage import FakeProcesses
from tests.unit.test_docs import page, rows, section


def test_every_fault_is_described_and_nothing_else() -> None:
    assert list(rows(section(page("chaos.md"), "Faults"))) == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_every_option_of_a_fault_is_described(name: str) -> None:
    kind = Faults(Ground(FakeProcesses(), Path())).of(name)
    text = rows(section(page("chaos.md"), "Faults"))[name][1]
    assert [option for option in kind.options.__struct_fields__ if f"`{option}`" not in text] == []
    assert kind.plan_type.__struct_fields__[:3] == ("id", "service", "fault")
