"""What lies between services, who turns whom down, and who spins: found by the suite of faults, each with its contrary."""

from typing import Any

import pytest

from agents.events import (
    CauseFound,
    ChangeObserved,
    DependencySeen,
    Event,
    FixChosen,
    FixFailed,
    HealthChanged,
    ServiceSampled,
)
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.rca_engine import RcaEngine
from tests.fixtures.chain import Chain, world_of

PROBE = {"type": "http", "url": "http://127.0.0.1:9001/health"}
ELSEWHERE = {"type": "http", "url": "http://127.0.0.1:9003/health"}
SERVICES: tuple[dict[str, Any], ...] = (
    {"name": "shop", "depends_on": ["pricing"], "probe": PROBE},
    {"name": "pricing", "probe": {"type": "http", "url": "http://127.0.0.1:9002/health"},
     "release": {"current": "releases/current"}},
    {"name": "tunnel", "platform": ELSEWHERE, "probe": ELSEWHERE, "depends_on": ["pricing"]},
)  # fmt: skip
WELL = (DependencySeen(name="pricing", ok=True, latency_s=0.004, usual_latency_s=0.003),)
ILL = (DependencySeen(name="pricing", ok=False, reason="no answer in 0.5 s"),)
SAYS = "dependency http://127.0.0.1:9002/predict answered {}"


def chain() -> Chain:
    world = world_of(*SERVICES)
    made = Chain(RcaEngine(world), IntelligentFixSelector(world))
    for name in ("pricing", "shop", "tunnel"):
        made.tell(HealthChanged(service=name, health="healthy", incarnation=f"{name}-1"))
    return made


def sick(service: str, symptom: str = "bad_status", **told: Any) -> HealthChanged:
    told = {"incarnation": f"{service}-1", "dependencies": WELL, **told}
    return HealthChanged(service=service, health="unhealthy", symptom=symptom, **told)  # type: ignore[arg-type]  # a Symptom


def found(events: list[Event]) -> tuple[str, str]:
    best = next(event for event in events if isinstance(event, CauseFound)).best
    return best.name, best.service


def chosen(events: list[Event]) -> tuple[str, str]:
    fix = next(event for event in events if isinstance(event, FixChosen))
    return fix.fix, fix.service


def refusal(code: int, *, of: str = "") -> dict[str, Any]:
    return {"status": 503, "reason": "answered 503", "answer": SAYS.format(code) + of}


# --- ways ---


@pytest.mark.parametrize(
    ("symptom", "reason", "cause"),
    [
        ("timeout", "no answer within 0.5 s", "network_latency"),
        ("error", "Connection reset by peer", "packet_loss"),
        ("refused", "nobody listens", "packet_loss"),
    ],
)
def test_a_way_to_a_service_that_is_well_is_itself_in_trouble(symptom: str, reason: str, cause: str) -> None:
    assert found(chain().open(sick("tunnel", symptom, reason=reason))) == (cause, "tunnel")


def test_a_way_to_a_service_that_is_ill_is_not_to_blame() -> None:
    events = chain().open(sick("tunnel", "timeout", dependencies=ILL))
    assert found(events) == ("dependency_failure", "pricing")


def test_a_process_of_ours_that_gives_no_answer_hangs_though_its_dependency_is_well() -> None:
    assert found(chain().open(sick("shop", "timeout"))) == ("hang", "shop")


# --- who turns whom down ---


def test_a_dependency_that_answers_500_is_to_blame_though_its_own_probe_is_good() -> None:
    assert found(chain().open(sick("shop", **refusal(500)))) == ("dependency_failure", "pricing")


def test_a_dependency_that_was_changed_and_turns_its_caller_down_is_rolled_back() -> None:
    made = chain()
    made.tell(
        ChangeObserved(service="pricing", kind="release", what="releases/current", before="v1", after="v2")
    )
    events = made.open(sick("shop", **refusal(400, of=': "wanted other columns"')))
    assert found(events) == ("bad_deploy", "pricing")
    assert chosen(events) == ("rollback_release", "pricing")


def test_a_dependency_that_was_not_changed_is_not_blamed_for_turning_its_caller_down() -> None:
    assert found(chain().open(sick("shop", **refusal(400)))) == ("unknown", "shop")


def test_a_change_long_ago_is_not_suspected() -> None:
    made = chain()
    made.tell(
        ChangeObserved(service="pricing", kind="release", what="releases/current", before="v1", after="v2")
    )
    made.at += 1000.0
    assert found(made.open(sick("shop", **refusal(400)))) == ("unknown", "shop")


# --- keys ---


def test_a_refused_key_is_a_wrong_setting_of_who_used_it() -> None:
    events = chain().open(sick("shop", **refusal(401, of=': "authentication failed: wrong key"')))
    assert found(events) == ("config_error", "shop")


def test_a_new_start_in_vain_does_not_speak_against_a_wrong_setting() -> None:
    made = chain()
    choice = next(event for event in made.open(sick("shop", **refusal(401))) if isinstance(event, FixChosen))
    assert choice.fix == "kill_restart"
    failed = FixFailed(
        fix=choice.fix, service="shop", cause_name=choice.cause_name, culprit="shop", reason="as before"
    )
    assert found(made.tell(failed, incident=choice.incident)) == ("config_error", "shop")


def test_waiting_in_vain_does_not_speak_against_a_slow_way() -> None:
    made = chain()
    choice = next(event for event in made.open(sick("tunnel", "timeout")) if isinstance(event, FixChosen))
    failed = FixFailed(
        fix="wait", service="tunnel", cause_name=choice.cause_name, culprit="tunnel", reason="as before"
    )
    assert choice.fix == "wait"
    assert found(made.tell(failed, incident=choice.incident)) == ("network_latency", "tunnel")


# --- who spins, who stands still ---


def test_who_says_that_its_work_does_not_go_on_hangs() -> None:
    told = {"status": 503, "reason": "answered 503", "answer": '{"reason": "no job done for 3.1 s, 14 wait"}'}
    assert found(chain().open(sick("shop", **told))) == ("hang", "shop")


def test_no_answer_while_a_processor_is_used_up_is_no_mere_hang() -> None:
    made = chain()
    busy = ServiceSampled(
        service="shop", names=("rss_mib", "cpu_percent"), values=(50.0, 99.0), incarnation="shop-1"
    )
    made.tell(busy)
    assert found(made.open(sick("shop", "timeout"))) == ("cpu_saturation", "shop")
