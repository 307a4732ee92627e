"""Slots: spread, without drift, missed ones skipped."""

from collections import Counter
from itertools import pairwise, product
from random import Random

from analysis.phases import GRID_S, next_slot, phase, slot_of


def test_phases_of_many_names_are_spread() -> None:
    phases = sorted(phase(f"service-{n}") for n in range(200))
    gaps = [b - a for a, b in pairwise(phases)]
    assert all(0.0 <= fraction < 1.0 for fraction in phases)
    assert max(gaps) < 0.05


def test_a_name_has_the_same_phase_in_every_run() -> None:
    assert phase("shop") == 0.32880058514659605


def test_the_kth_slot_is_at_phase_plus_k_intervals_however_late_the_work_was() -> None:
    now, last, slots = 0.0, -1.0, []
    for n in range(1000):
        last = next_slot(0.3, 0.1, now, last)
        slots.append(last)
        now = last + 0.03 + (n % 7) * 0.009  # the work takes its time
    assert all(abs(slot - (0.3 + k) * 0.1) < 1e-9 for k, slot in enumerate(slots))


def test_missed_slots_are_skipped() -> None:
    assert next_slot(0.0, 1.0, now=7.5, last=2.0) == 8.0


def test_a_timer_that_fires_a_hair_early_does_not_take_its_slot_twice() -> None:
    assert next_slot(0.0, 1.0, now=4.999, last=5.0) == 6.0


INTERVALS_S = (0.05, 0.1, 0.25, 1.0, 60.0, 3599.99, 3600.0)
NOW = (0.0, 1e-9, 0.1, 1 / 3, 1e5, 1e7)


def drawn(latest: float) -> list[tuple[float, float]]:
    """(interval, now): every edge with every other, and many more at random."""
    random = Random(1)
    more = [(10 ** random.uniform(-1.3, 3.55), random.uniform(0.0, latest)) for _ in range(500)]
    return [*product(INTERVALS_S, (*NOW, latest)), *more]


def test_the_next_slot_is_after_now_and_within_one_interval() -> None:
    for fraction in (0.0, 1e-12, 0.3, 0.999999):
        for interval_s, now in drawn(1e9):
            slot = next_slot(fraction, interval_s, now)
            assert now <= slot <= now + interval_s * 1.00001 + 1e-6, (fraction, interval_s, now)


def test_a_name_brings_its_phase() -> None:
    assert 0 <= 10.0 * phase("shop") - slot_of("shop", 10.0, 0.0) < GRID_S
    assert slot_of("shop", 0.1, 0.0) == 0.1 * phase("shop")


def test_many_services_share_few_instants_and_none_has_them_all() -> None:
    instants = Counter(slot_of(f"service-{n}", 1.0, 100.0) for n in range(200))
    assert len(instants) == 8
    assert max(instants.values()) < 50


def test_slots_on_the_grid_are_one_interval_apart() -> None:
    for name in ("", "shop", "é", "a-0_" * 9):
        for interval_s, now in drawn(1e7):
            first = slot_of(name, interval_s, now)
            second = slot_of(name, interval_s, first, first)
            assert abs(second - first - interval_s) < 1e-6 * max(interval_s, first), (name, interval_s, now)
