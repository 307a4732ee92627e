"""Maintenance windows and the lease in the act gate: what is held back, and what happens when they are over."""

from datetime import UTC, datetime

from agents.events import FixStarted
from config.model import Maintenance
from tests.fixtures.gate import Gate, limit

MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
NIGHT = Maintenance(start="02:00", end="04:00")


def test_nothing_acts_on_what_people_work_on_and_it_is_healed_when_they_are_done() -> None:
    gate = Gate(maintenance=(NIGHT,))
    gate.world.unix = lambda at: MIDNIGHT + at
    held = gate.ask("s0", at=2 * 3600.0)
    assert limit(held) == "maintenance"
    assert not held.final
    assert [limit(event) for event in gate.tick(4 * 3600.0 - 1)] == ["maintenance"], "a reminder"
    assert [type(event) for event in gate.tick(4 * 3600.0)] == [FixStarted]


def test_a_window_of_everything_holds_every_service_back() -> None:
    gate = Gate()
    config = gate.world.config
    gate.world.config = type(config)(services=config.services, maintenance=(NIGHT,))
    gate.world.unix = lambda at: MIDNIGHT + 3 * 3600.0
    assert limit(gate.ask("s0")) == "maintenance"
    assert limit(gate.ask("s1", "wait")) == ""


def test_without_the_lease_nothing_starts_and_with_it_what_waited_does() -> None:
    gate = Gate()
    gate.world.lease = lambda: "another daemon acts"
    assert limit(gate.ask("s0")) == "lease"
    gate.world.lease = lambda: ""
    assert [type(event) for event in gate.tick(1.0)] == [FixStarted]
