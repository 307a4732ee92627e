"""A diagnosis costs what it looks at, not what there is."""

import pytest

from agents.causes.memory import Notes
from agents.causes.views import Views
from agents.events import HealthChanged, IncidentOpened
from agents.rca_engine import RcaEngine
from analysis.evidence import View
from analysis.signatures import connection_trouble, speaks_of_connections
from config.fixes import load_fixes
from config.model import Config, Service
from config.world import World
from tests.fixtures.monitor_kit import service

FLEET = 300


class Counting(RcaEngine):
    """Counts the services that it looks at."""

    looks = 0

    def _view(self, service: Service, newer: Notes | None) -> View:
        self.looks += 1
        return super()._view(service, newer)


def looks(reason: str) -> int:
    names = [f"s{n}" for n in range(FLEET)]
    config = Config(services=tuple(service(name) for name in names))
    engine = Counting(World(config=config, fixes=load_fixes()))
    for name in names:
        engine.apply(HealthChanged(service=name, health="healthy", at=1.0))
    engine.apply(
        HealthChanged(service="s0", health="down", symptom="exit", reason=reason, exit_code=1, at=2.0)
    )
    [found] = engine.handle(IncidentOpened(incident="i", service="s0", symptom="exit", reason=reason, at=2.0))
    assert found.service == "s0"
    return engine.looks


def test_an_exit_that_complains_of_nobody_is_diagnosed_without_a_look_at_the_fleet() -> None:
    assert looks("exited with code 1") == 1


def test_who_complains_of_a_connection_has_everybody_looked_at_once() -> None:
    assert looks("connection to s7 refused") == FLEET


@pytest.mark.parametrize(
    "said",
    [
        "cannot connect to pricing",
        "pricing: timed out",
        "GET http://127.0.0.1:9001/ -> 503",
        "ok\nand then\nPRICING is too slow\nbye",
        "pricing: Connection reset by peer",
        "pricing timeout",
        "pricing is unreachable",
        "pricing is unavailable",
        "no answer from pricing",
        "pricing does not answer",
        "no route to pricing",
        "broken pipe to pricing",
        "connection closed by pricing",
        "pricing: 502",
        "pricing: 504",
        "pricing: deadline exceeded",
        "pricing: request Timed-Out",
    ],
)
def test_whoever_is_found_to_complain_of_a_peer_is_looked_through_for_it(said: str) -> None:
    assert connection_trouble(said, "pricing", ("127.0.0.1:9001",)) is not None
    assert speaks_of_connections(said)


def test_most_words_are_not_looked_through() -> None:
    assert not speaks_of_connections("was killed by SIGKILL")
    assert not speaks_of_connections("ValueError: broken\npricing is served at 127.0.0.1:9001")


def test_a_view_is_made_once_and_of_nobody_unknown() -> None:
    made: list[str] = []

    def view(name: str) -> View:
        made.append(name)
        return View(name=name)

    views = Views({"a", "b"}, view)
    assert (views["a"].name, views["a"].name, made) == ("a", "a", ["a"])
    assert views.get("c") is None
    assert "c" not in views
    assert sorted(each.name for each in views.values()) == ["a", "b"]
    assert len(views) == 2
