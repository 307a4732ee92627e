"""The failure predictor: what it says, how often, and of which life of a service."""

from collections.abc import Iterable
from typing import Any

import msgspec

from agents.events import FailurePredicted, ObservationResumed, ServiceSampled
from agents.ml_failure_predictor import MlFailurePredictor
from config.model import Config
from config.world import World

CONFIG = {
    "services": [
        {"name": "shop", "platform": {"type": "process", "command": ["shop"]}, "limits": {"memory_mib": 256}},
        {"name": "files", "platform": {"type": "process", "command": ["f"]}, "limits": {"open_files": 512}},
        {"name": "free", "platform": {"type": "process", "command": ["f"]}},
    ],
    "windows": {"predict_horizon_s": 300, "predict_warmup_s": 60},
}


def predictor() -> MlFailurePredictor:
    return MlFailurePredictor(World(config=msgspec.convert(CONFIG, Config), fixes={}))


def sample(
    at: float, value: float, service: str = "shop", metric: str = "rss_mib", life: str = "a"
) -> ServiceSampled:
    return ServiceSampled(
        service=service, at=at, names=("cpu_percent", metric), values=(1.0, value), incarnation=life
    )


def tell(agent: MlFailurePredictor, events: Iterable[Any]) -> list[FailurePredicted]:
    said: list[FailurePredicted] = []
    for event in events:
        for result in agent.handle(event):
            assert isinstance(result, FailurePredicted)
            fact = msgspec.structs.replace(result, at=event.at)
            agent.apply(fact)
            said.append(fact)
    return said


def leak(life: str = "a", start: float = 0.0, until: float = 2100.0) -> list[ServiceSampled]:
    return [sample(start + at, 60 + 0.1 * at, life=life) for at in range(0, int(until), 5)]


def test_a_leak_is_said_early_then_near_then_reached_each_once() -> None:
    early, near, reached = tell(predictor(), leak())
    assert early.failure == near.failure == "memory_leak"
    assert 300 < early.lead_time_s <= 1200
    assert 0 < near.lead_time_s <= 300
    assert reached.lead_time_s == 0
    assert near.service == "shop"
    assert near.incarnation == "a"
    assert "a minute" in near.reasons[1]


def test_a_new_life_is_told_of_anew_and_starts_without_a_past() -> None:
    agent = predictor()
    first = tell(agent, leak("a", until=1000))
    second = tell(agent, leak("b", start=1000, until=1000))
    assert [fact.incarnation for fact in first + second] == ["a", "b"]
    assert second[0].at >= 1060


def test_what_was_said_stays_said_over_a_restart_of_the_agent() -> None:
    agent = predictor()
    assert tell(agent, leak(until=1000))
    reborn = predictor()
    reborn.state = agent.state
    assert tell(reborn, [sample(1000 + at, 160 + 0.1 * at) for at in range(0, 300, 5)]) == []


def test_descriptors_that_run_out_are_connection_exhaustion() -> None:
    said = tell(predictor(), (sample(at, 100 + at, "files", "open_files") for at in range(0, 300, 5)))
    assert said[0].failure == "connection_exhaustion"
    assert said[0].limit == 512


def test_after_a_gap_a_trend_must_last_anew() -> None:
    agent = predictor()
    tell(agent, (sample(at, 60 + 0.5 * at) for at in range(0, 55, 5)))
    assert agent.handle(ObservationResumed(at=100, gap_s=45)) == ()
    assert tell(agent, (sample(at, 60 + 0.5 * at) for at in range(100, 155, 5))) == []


def test_a_service_without_ceilings_or_unknown_is_left_alone() -> None:
    assert tell(predictor(), (sample(at, 60 + at, "free") for at in range(0, 900, 5))) == []
    assert tell(predictor(), (sample(at, 60 + at, "gone") for at in range(0, 900, 5))) == []


def test_a_scrape_without_the_metric_is_no_error() -> None:
    assert predictor().handle(ServiceSampled(service="shop", names=("x",), values=(1.0,))) == []


def test_a_word_that_lapsed_keeps_the_next_leak_of_the_same_life_not_back() -> None:
    agent = predictor()
    first = tell(agent, [sample(at, 60 + 0.1 * at) for at in range(0, 1000, 5)])
    calm = [sample(at, 60) for at in range(1000, 9000, 5)]
    again = tell(agent, [*calm, *(sample(9000 + at, 60 + 0.1 * at) for at in range(0, 1500, 5))])
    assert first
    assert again
    assert again[0].at > 9000


def test_a_declared_ceiling_of_another_figure_is_told_without_a_cause() -> None:
    config = {
        "services": [
            {
                "name": "shop",
                "platform": {"type": "process", "command": ["shop"]},
                "limits": {"metrics": {"disk_used_gb": 100}},
            }
        ],
        "windows": CONFIG["windows"],
    }
    agent = MlFailurePredictor(World(config=msgspec.convert(config, Config), fixes={}))
    said = tell(agent, (sample(at, 20 + 0.05 * at, metric="disk_used_gb") for at in range(0, 1500, 5)))
    assert {fact.failure for fact in said} == {"unknown"}
    assert "disk_used_gb" in said[0].reasons[0]
