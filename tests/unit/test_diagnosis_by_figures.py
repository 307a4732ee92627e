"""The engine with a quarter of an hour of figures behind it: they find whom nobody complains of, and outweigh no fact."""

from typing import Any

import numpy as np

from agents.events import CauseFound, ChangeObserved, ConfigChanged, HealthChanged, ServiceSampled
from agents.rca_engine import RcaEngine
from tests.fixtures.chain import Chain, only, world_of

SERVICES = (
    {"name": "shop", "depends_on": ["pricing", "queue"], "probe": {"type": "http", "url": "http://127.0.0.1:9001/"}},
    {"name": "pricing", "depends_on": ["store"]},
    {"name": "queue"},
    {"name": "store"},
    {"name": "mail"},
)  # fmt: skip
NAMES = ("cpu_percent", "rss_mib", "threads")


def watched(minutes: float, **busy: float) -> Chain:
    """All services sampled every 10 s; the last half minute the processor of some is used so much."""
    made = Chain(RcaEngine(world_of(*SERVICES)))
    random = np.random.default_rng(8)
    for service in SERVICES:
        made.tell(HealthChanged(service=str(service["name"]), health="healthy", incarnation="one"))
    steps = int(minutes * 6)
    for step in range(steps):
        made.at += 10.0
        for service in SERVICES:
            name = str(service["name"])
            cpu = busy.get(name, 20.0) if step >= steps - 3 else 20.0
            values = (cpu * (1 + 0.03 * random.standard_normal()), 200 + random.standard_normal(), 8.0)
            made.tell(ServiceSampled(service=name, names=NAMES, values=values, incarnation="one"))
    return made


def opened(made: Chain, **told: Any) -> CauseFound:
    trouble: dict[str, Any] = {
        "symptom": "bad_status",
        "status": 500,
        "health": "unhealthy",
        "incarnation": "one",
    }
    return only(made.open(HealthChanged(service="shop", **(trouble | told))), CauseFound)


def test_a_dependency_of_a_dependency_that_nobody_names_is_found_by_its_figures() -> None:
    best = opened(watched(12, store=170.0)).best
    assert (best.name, best.service, best.witnesses) == ("dependency_failure", "store", 0)
    assert any(line.startswith("cpu_percent of store ▁") for line in best.evidence)


def test_whoever_is_not_needed_may_be_as_busy_as_it_likes() -> None:
    assert opened(watched(12, mail=170.0)).best.name == "unknown"


def test_without_a_past_the_figures_say_nothing() -> None:
    assert opened(watched(3, store=170.0)).best.name == "unknown"


def test_its_own_processor_is_named_where_nothing_else_is_known() -> None:
    best = opened(watched(12, shop=190.0)).best
    assert (best.name, best.service) == ("cpu_saturation", "shop")


def test_what_was_seen_to_happen_outweighs_the_figures() -> None:
    ended = opened(watched(12, store=170.0), health="down", symptom="exit", exit_code=3, status=None)
    assert ended.best.name == "crash"
    assert "store" not in {rival.service for rival in ended.rivals}
    assert opened(watched(12, shop=190.0), symptom="timeout", process_state="T").best.name == "hang"


def test_a_fresh_release_is_suspected_before_a_busy_dependency() -> None:
    made = watched(12, store=170.0)
    made.tell(ChangeObserved(service="shop", kind="release", what="releases/current", before="a", after="b"))
    assert opened(made).best.name == "bad_deploy"


def test_the_figures_of_a_service_that_was_taken_away_are_forgotten() -> None:
    made = watched(12, store=170.0)
    made.tell(ConfigChanged(why="reload", removed=("store",), digest="x"))
    assert opened(made).best.name == "unknown"
