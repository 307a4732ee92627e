"""Long random histories and hostile words, many more than a unit test tries."""

import pytest

from tests.unit.test_act_gate_consent_properties import live
from tests.unit.test_act_gate_declared_limits import EVERY_KIND
from tests.unit.test_act_gate_declared_limits import live as declared
from tests.unit.test_act_gate_properties import heals_at_last, never_oversteps, sweep
from tests.unit.test_diagnosis_and_choice import diagnosed_with_all

pytestmark = pytest.mark.unmeasured


def test_no_history_makes_the_gate_overstep_and_after_each_a_patient_world_is_healed() -> None:
    sweep(range(1000, 2000), never_oversteps)
    sweep(range(2000, 2300), heals_at_last)


def test_no_history_of_words_makes_an_act_that_nobody_agreed_to() -> None:
    for seed in range(60, 600):
        live(seed)


def test_no_history_makes_an_act_outside_what_is_declared() -> None:
    assert declared(range(100, 400)).keys() >= EVERY_KIND


@pytest.mark.soak
@pytest.mark.parametrize("block", range(10))
def test_nor_does_any_of_ten_thousand(block: int) -> None:
    assert declared(range(10_000 + block * 1000, 11_000 + block * 1000)).keys() >= EVERY_KIND


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_nor_does_any_of_very_many_histories() -> None:
    sweep(range(3000, 22000), never_oversteps)
    sweep(range(22000, 27000), heals_at_last)


def test_no_three_pieces_of_untrusted_output_break_a_diagnosis() -> None:
    diagnosed_with_all(3)
