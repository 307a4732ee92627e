"""Root cause and first fix of each fault that the demo makes, and the rules that no wrong act may break."""

import itertools
from typing import Any

import msgspec
import pytest

from agents.events import (
    AgentHealthChanged,
    AnomalyDetected,
    CauseFound,
    ChangeObserved,
    DependencySeen,
    Event,
    FailurePredicted,
    FileDamaged,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentRetried,
    ServiceSampled,
    ServiceStarted,
    StartRetried,
)
from agents.incident.story import sentence
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.rca_engine import RcaEngine
from tests.fixtures.chain import Chain, only, world_of

SERVICES = (
    {
        "name": "shop",
        "depends_on": ["pricing", "queue"],
        "release": {"current": "releases/current"},
        "files": [{"path": "data/shop.json", "check": "json"}],
        "limits": {"memory_mib": 256},
        "probe": {"type": "http", "url": "http://127.0.0.1:9001/health"},
    },
    {
        "name": "pricing",
        "depends_on": ["store"],
        "probe": {"type": "http", "url": "http://127.0.0.1:9002/health"},
    },
    {"name": "queue"},
    {"name": "store", "probe": {"type": "tcp", "url": "tcp://127.0.0.1:9004"}},
)
WELL = tuple(
    DependencySeen(name=name, ok=True, latency_s=0.004, usual_latency_s=0.003)
    for name in ("pricing", "queue")
)
SLOW_PRICING = (DependencySeen(name="pricing", ok=True, latency_s=1.4, usual_latency_s=0.003), WELL[1])
DEAD_PRICING = (DependencySeen(name="pricing", ok=False, reason="no answer in 0.5 s"), WELL[1])


def chain() -> Chain:
    world = world_of(*SERVICES)
    made = Chain(RcaEngine(world), IntelligentFixSelector(world))
    for name in ("store", "queue", "pricing", "shop"):
        made.tell(HealthChanged(service=name, health="healthy", incarnation=f"{name}-1"))
    return made


def sick(service: str = "shop", **told: Any) -> HealthChanged:
    defaults: dict[str, Any] = {"health": "unhealthy", "incarnation": f"{service}-1", "dependencies": WELL}
    return HealthChanged(service=service, **(defaults | told))


def dead(service: str = "shop", **told: Any) -> HealthChanged:
    return sick(service, health="down", symptom="exit", **told)


def answer(events: list[Event]) -> tuple[str, str, str, str]:
    """(cause, culprit, fix, target)"""
    found, chosen = only(events, CauseFound), only(events, FixChosen)
    return found.best.name, found.best.service, chosen.fix, chosen.service


def fail(made: Chain, choice: FixChosen, *, after_s: float = 10.0) -> list[Event]:
    failed = FixFailed(
        service=choice.service,
        fix=choice.fix,
        cause_name=choice.cause_name,
        culprit=choice.culprit,
        reason="still ill",
    )
    return made.tell(failed, after_s=after_s, incident=choice.incident)


# --- the eight faults ---


def test_killed_is_a_crash_and_is_respawned() -> None:
    events = chain().open(dead(signal=9, reason="killed"))
    assert answer(events) == ("crash", "shop", "respawn", "shop")
    assert only(events, CauseFound).best.confidence > 0.9
    assert only(events, FixChosen).patience_boots == 0


def test_frozen_is_a_hang_and_is_killed_and_restarted() -> None:
    events = chain().open(sick(symptom="timeout", process_state="T"))
    assert answer(events) == ("hang", "shop", "kill_restart", "shop")
    assert "stopped by a signal" in only(events, CauseFound).best.evidence[0]


def test_a_handler_that_hangs_is_a_hang() -> None:
    events = chain().open(sick(symptom="timeout", process_state="S"))
    assert answer(events) == ("hang", "shop", "kill_restart", "shop")


def test_errors_after_a_release_are_a_bad_deploy_and_are_rolled_back() -> None:
    made = chain()
    made.tell(
        ChangeObserved(service="shop", kind="release", what="releases/current", before="v1", after="v2")
    )
    events = made.open(sick(symptom="bad_status", status=500, output="ValueError: bad price"), after_s=3)
    assert answer(events) == ("bad_deploy", "shop", "rollback_release", "shop")
    assert "from v1 to v2" in only(events, CauseFound).best.evidence[0]


@pytest.mark.parametrize("told", [{"exit_code": 0}, {"exit_code": 143}, {"signal": 15}, {"exit_code": None}])
def test_a_process_that_is_told_to_end_after_its_release_changed_is_no_bad_deploy(
    told: dict[str, Any],
) -> None:
    made = chain()
    made.tell(ServiceStarted(service="shop", incarnation="shop-1", pid=1))
    made.tell(
        ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"), after_s=60
    )
    assert answer(made.open(dead(**told), after_s=1))[::2] == ("crash", "respawn")


@pytest.mark.parametrize("told", [{"exit_code": 0}, {"exit_code": 1}])
def test_a_process_that_ran_with_the_new_release_and_ended_is_a_bad_deploy(told: dict[str, Any]) -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    made.tell(ServiceStarted(service="shop", incarnation="shop-1", pid=1), after_s=1)
    assert answer(made.open(dead(**told), after_s=1))[::2] == ("bad_deploy", "rollback_release")


def test_of_many_releases_only_the_last_is_suspected() -> None:
    made = chain()
    for n in range(5):
        change = ChangeObserved(
            service="shop", kind="release", what="current", before=f"v{n}", after=f"v{n + 1}"
        )
        made.tell(change, after_s=60)
    found = only(made.open(sick(symptom="timeout"), after_s=600), CauseFound)
    assert found.best.name == "hang"


def test_a_leak_that_was_announced_is_restarted_with_grace() -> None:
    leak = FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=190, limit=256, lead_time_s=30, confidence=0.9,
        incarnation="shop-1",
    )  # fmt: skip
    assert answer(chain().open(leak)) == ("memory_leak", "shop", "restart", "shop")


def test_a_slow_dependency_is_blamed_and_its_caller_only_waits() -> None:
    events = chain().open(sick(symptom="timeout", dependencies=SLOW_PRICING))
    assert answer(events) == ("dependency_failure", "pricing", "wait", "shop")


def test_the_slow_dependency_itself_is_restarted() -> None:
    made = chain()
    made.open(sick(symptom="bad_status", status=503, dependencies=SLOW_PRICING))
    told = sick(
        "pricing", symptom="bad_status", status=503, output="predictions are slow: 1400 ms", dependencies=()
    )
    assert answer(made.open(told, after_s=1)) == ("network_latency", "pricing", "kill_restart", "pricing")


def test_a_load_peak_that_has_passed_is_not_blamed_for_slowness_that_came_later() -> None:
    made = chain()
    for metric in ("http_requests_per_s", "http_request_seconds_per_s"):
        made.tell(AnomalyDetected(service="pricing", metric=metric, value=317, expected=24, sigmas=50))
    told = sick(
        "pricing", symptom="bad_status", status=503, output="predictions are slow: 1400 ms", dependencies=()
    )
    assert answer(made.open(told, after_s=20)) == ("network_latency", "pricing", "kill_restart", "pricing")


def test_a_damaged_file_is_restored() -> None:
    events = chain().open(FileDamaged(service="shop", path="data/shop.json", problem="not JSON at byte 40"))
    assert answer(events) == ("state_corruption", "shop", "restore_file", "shop")


@pytest.mark.parametrize(
    "symptom",
    [{"symptom": "bad_status", "status": 500}, {"health": "down", "symptom": "exit", "exit_code": 1}],
)
def test_a_damaged_file_that_only_the_service_saw_is_restored(symptom: dict[str, Any]) -> None:
    trace = "Traceback (most recent call last):\n  open('data/shop.json')\njson.decoder.JSONDecodeError: Expecting value"
    assert answer(chain().open(sick(output=trace, **symptom))) == (
        "state_corruption",
        "shop",
        "restore_file",
        "shop",
    )


def test_a_boot_that_lacks_a_dependency_goes_on_and_names_it() -> None:
    made = chain()
    made.tell(dead("pricing", signal=9, dependencies=()))
    events = made.open(dead(signal=9, dependencies=DEAD_PRICING))
    assert answer(events) == ("crash", "shop", "respawn", "shop")
    incident = only(events, FixChosen).incident
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", missing=("pricing",))
    found = only(made.tell(retried, after_s=1, incident=incident), CauseFound)
    assert (found.best.name, found.best.service) == ("dependency_failure", "pricing")
    assert made.tell(retried, after_s=1, incident=incident) == []


REFUSED = (
    "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 9004)",
    "FATAL cannot connect to localhost:9004",
    'connection to server at "127.0.0.1", port 9004 failed: Connection refused',
    "requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=9004): Max retries: refused",
)


@pytest.mark.parametrize("first", [{"signal": 9}, {"exit_code": 1}])
@pytest.mark.parametrize("health", ["healthy", "stopped", "down", "unhealthy"])
@pytest.mark.parametrize("output", REFUSED)
def test_a_boot_that_a_known_service_refused_names_it_though_nobody_declared_it(
    output: str, health: Any, first: dict[str, Any]
) -> None:
    made = chain()
    made.tell(HealthChanged(service="store", health=health, incarnation="store-1"), after_s=60)
    events = made.open(dead(**first), after_s=60)
    assert answer(events) == ("crash", "shop", "respawn", "shop")
    incident = only(events, FixChosen).incident
    made.tell(dead(exit_code=1, output=output, incarnation="shop-2"), after_s=0.2)
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", output=output)
    found = only(made.tell(retried, incident=incident), CauseFound)
    assert (found.best.name, found.best.service) == ("dependency_failure", "store")
    assert any("9004" in line for line in found.best.evidence)


@pytest.mark.parametrize(
    "output",
    ["cannot connect to 127.0.0.1:90041", "cannot connect to 10.0.0.7:9004", "connection to store refused", "listens on 127.0.0.1:9004"],
)  # fmt: skip
def test_a_boot_that_somebody_unknown_refused_remains_a_crash(output: str) -> None:
    made = chain()
    incident = only(made.open(dead(signal=9)), FixChosen).incident
    made.tell(dead(exit_code=1, output=output, incarnation="shop-2"), after_s=0.2)
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", output=output)
    assert made.tell(retried, incident=incident) == []


def test_a_boot_whose_end_was_not_seen_names_who_refused_it_too() -> None:
    made = chain()
    incident = only(made.open(dead(signal=9), after_s=60), FixChosen).incident
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="it ended", output=REFUSED[0])
    found = only(made.tell(retried, incident=incident, after_s=1), CauseFound)
    assert (found.best.name, found.best.service) == ("dependency_failure", "store")


def test_an_ill_service_is_known_by_its_name_too_though_nobody_declared_it() -> None:
    made = chain()
    made.tell(dead("store", signal=9, dependencies=()), after_s=60)
    output = "OperationalError: could not connect to store: timed out"
    events = made.open(dead(exit_code=1, output=output), after_s=1)
    assert answer(events)[:2] == ("dependency_failure", "store")


def test_a_caller_of_a_service_that_nobody_declared_waits_for_it() -> None:
    made = chain()
    made.tell(dead("store", signal=9, dependencies=()), after_s=60)
    said = "upstream 127.0.0.1:9004 refused the connection"
    events = made.open(sick(symptom="bad_status", status=503, answer=said, output=said), after_s=1)
    assert answer(events) == ("dependency_failure", "store", "wait", "shop")


def test_what_failed_boots_lacked_is_not_held_against_it_once_a_boot_came_through() -> None:
    made = chain()
    made.tell(dead("pricing", signal=9, dependencies=()))
    incident = only(made.open(dead(signal=9, dependencies=DEAD_PRICING)), FixChosen).incident
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", missing=("pricing",))
    made.tell(retried, after_s=1, incident=incident)
    made.tell(HealthChanged(service="pricing", health="healthy", incarnation="pricing-2"), after_s=5)
    made.tell(sick(symptom="bad_status", status=500, incarnation="shop-2"), after_s=9)
    failed = FixFailed(service="shop", fix="respawn", cause_name="crash", culprit="shop", reason="HTTP 500")
    found = only(made.tell(failed, after_s=1, incident=incident), CauseFound)
    assert found.best.service == "shop"


def test_boots_that_fail_after_a_release_show_that_the_release_is_bad_though_a_signal_came_first() -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    events = made.open(dead(signal=9), after_s=1)
    assert answer(events) == ("crash", "shop", "respawn", "shop")
    incident = only(events, FixChosen).incident
    trace = "Traceback (most recent call last):\nImportError: cannot import name 'Router'"
    made.tell(dead(exit_code=1, output=trace, incarnation="shop-2"), after_s=0.2)
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", output=trace)
    [found] = made.tell(retried, incident=incident)
    assert isinstance(found, CauseFound)
    assert (found.best.name, found.incident) == ("bad_deploy", incident)
    assert made.tell(retried, after_s=1, incident=incident) == []


def test_a_file_that_turns_out_to_be_damaged_while_a_crash_is_open_is_the_cause() -> None:
    made = chain()
    incident = only(made.open(dead(signal=9)), FixChosen).incident
    made.tell(dead(exit_code=1, incarnation="shop-2"), after_s=0.2)
    damaged = FileDamaged(service="shop", path="data/shop.json", problem="not JSON at byte 40")
    [found] = made.tell(damaged, after_s=0.2)
    assert isinstance(found, CauseFound)
    assert (found.best.name, found.incident) == ("state_corruption", incident)
    assert made.tell(FileDamaged(service="pricing", path="x", problem="y")) == []


def test_a_boot_that_ends_does_not_turn_what_it_was_for_into_a_crash() -> None:
    made = chain()
    incident = only(made.open(sick(symptom="bad_status", status=500)), FixChosen).incident
    made.tell(dead(signal=9, incarnation="shop-2"), after_s=0.5)
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="signal 9")
    assert made.tell(retried, incident=incident) == []


def test_boots_that_fail_for_no_reason_that_anybody_knows_remain_a_crash() -> None:
    made = chain()
    incident = only(made.open(dead(signal=9)), FixChosen).incident
    made.tell(dead(exit_code=1, incarnation="shop-2"), after_s=0.2)
    retried = StartRetried(service="shop", boot=1, wait_s=1, reason="exit code 1", output="cannot go on")
    assert made.tell(retried, incident=incident) == []


def test_a_process_that_ends_for_want_of_a_dependency_is_started_again_for_as_long_as_it_takes() -> None:
    made = chain()
    made.tell(dead("pricing", signal=9, dependencies=()))
    output = "ConnectionError: cannot connect to 127.0.0.1:9002: connection refused"
    events = made.open(dead(exit_code=1, output=output, dependencies=DEAD_PRICING))
    assert answer(events) == ("dependency_failure", "pricing", "respawn", "shop")
    assert only(events, FixChosen).patience_boots == 0


# --- dependants ---

SIGNS_OF_PRICING: tuple[tuple[HealthChanged, ...], ...] = (
    (),
    (sick("pricing", symptom="timeout", dependencies=()),),
    (dead("pricing", signal=9, dependencies=()),),
)


@pytest.mark.parametrize("seen", [SLOW_PRICING, DEAD_PRICING])
@pytest.mark.parametrize("before", SIGNS_OF_PRICING)
@pytest.mark.parametrize(
    "symptom",
    [
        {"symptom": "timeout"},
        {"symptom": "bad_status", "status": 500},
        {"symptom": "bad_status", "status": 503, "output": "too slow, latency above limit"},
        {"symptom": "refused"},
        {"symptom": "error", "reason": "broken answer"},
    ],
)
@pytest.mark.parametrize("released_s", [None, 5.0, 300.0])
def test_a_living_caller_is_never_touched_while_its_dependency_suffers(
    seen: tuple[DependencySeen, ...],
    before: tuple[HealthChanged, ...],
    symptom: dict[str, Any],
    released_s: float | None,
) -> None:
    made = chain()
    if released_s is not None:
        made.tell(ChangeObserved(service="shop", kind="release", what="current", before="1", after="2"))
        made.at += released_s
    for sign in before:
        made.open(sign)
    events = made.open(sick(dependencies=seen, **symptom), after_s=1)
    while choices := [event for event in events if isinstance(event, FixChosen)]:
        [choice] = choices
        assert choice.fix == "wait" or choice.service != "shop"
        events = fail(made, choice, after_s=30) if choice.service == "shop" else []


def test_of_a_dependency_that_was_stopped_no_old_trouble_is_told() -> None:
    made = chain()
    made.tell(sick("pricing", symptom="timeout", reason="no answer within 0.5 s", dependencies=()))
    made.tell(HealthChanged(service="pricing", health="healthy", incarnation="pricing-1"))
    made.tell(HealthChanged(service="pricing", health="stopped", incarnation="pricing-1"), after_s=60)
    found = only(made.open(sick(symptom="bad_status", status=503, dependencies=DEAD_PRICING)), CauseFound)
    assert "pricing, on which shop depends, is stopped" in found.best.evidence


def test_the_deepest_failing_dependency_is_to_blame() -> None:
    made = chain()
    made.tell(dead("store", signal=9, dependencies=()))
    store = (DependencySeen(name="store", ok=False, reason="refused"),)
    made.tell(sick("pricing", symptom="bad_status", status=503, dependencies=store))
    cause, culprit, fix, target = answer(made.open(sick(symptom="timeout", dependencies=DEAD_PRICING)))
    assert (cause, culprit, fix, target) == ("dependency_failure", "store", "wait", "shop")


def test_that_it_was_started_just_now_blames_nobody_further_down() -> None:
    made = chain()
    made.tell(ServiceStarted(service="store", incarnation="store-2", pid=1), after_s=60)
    made.tell(sick("pricing", symptom="bad_status", status=500, dependencies=()), after_s=3)
    events = made.open(sick(symptom="bad_status", status=503, dependencies=DEAD_PRICING), after_s=1)
    assert answer(events)[:2] == ("dependency_failure", "pricing")


def test_what_its_answer_says_of_a_dependency_counts_where_no_look_says_otherwise() -> None:
    body = '{"status": "failing", "why": "pricing timed out"}'
    unseen = chain().open(sick(symptom="bad_status", status=503, output=body, dependencies=()))
    assert answer(unseen)[:3] == ("dependency_failure", "pricing", "wait")
    seen_well = chain().open(sick(symptom="timeout", output=body))
    assert answer(seen_well) == ("hang", "shop", "kill_restart", "shop")


def test_a_caller_that_passes_an_error_on_is_believed_though_the_dependency_answers_its_own_probe() -> None:
    answer_now = sick(symptom="bad_status", status=503, answer='{"why": "pricing: timed out"}')
    assert answer(chain().open(answer_now)) == ("dependency_failure", "pricing", "wait", "shop")
    logged = sick(symptom="bad_status", status=503, output="12:00:01 ERROR call to pricing failed: timed out")
    assert answer(chain().open(logged)) == ("dependency_failure", "pricing", "wait", "shop")
    old_news = sick(
        symptom="bad_status", status=500, output="12:00:01 ERROR call to pricing failed: timed out"
    )
    assert answer(chain().open(old_news))[:3] == ("unknown", "shop", "kill_restart")


def test_where_waiting_was_in_vain_before_a_culprit_that_nobody_else_treats_is_restarted_at_once() -> None:
    made = chain()
    first = only(made.open(sick(symptom="timeout", dependencies=SLOW_PRICING)), FixChosen)
    second = only(fail(made, first, after_s=30), FixChosen)
    helped = FixVerified(
        service="pricing", fix=second.fix, cause_name=second.cause_name, culprit="pricing", seconds=2.0
    )
    made.tell(helped, incident=first.incident)
    made.tell(IncidentClosed(outcome="healed", service="shop"), incident=first.incident)
    made.tell(HealthChanged(service="shop", health="healthy", incarnation="shop-1"))
    again = answer(made.open(sick(symptom="timeout", dependencies=SLOW_PRICING), after_s=60))
    assert again == ("dependency_failure", "pricing", "kill_restart", "pricing")


SAYS = {
    "symptom": "bad_status",
    "status": 503,
    "answer": "pricing (127.0.0.1:9002) gave no answer",
    "reason": "HTTP 503",
}
IDLE_PRICING = (
    DependencySeen(name="pricing", ok=True, latency_s=0.003, usual_latency_s=0.003, cpu_percent=1.0),
)
BUSY_PRICING = (
    DependencySeen(name="pricing", ok=True, latency_s=0.003, usual_latency_s=0.003, cpu_percent=95.0),
)


def test_one_witness_shortens_the_wait_and_two_make_the_culprits_fix_come_first() -> None:
    made = chain()
    events = made.open(sick(dependencies=IDLE_PRICING, **SAYS), after_s=60)
    assert answer(events) == ("dependency_failure", "pricing", "wait", "shop")
    assert only(events, FixChosen).patience_s == 6.0
    events = made.open(sick("queue", dependencies=IDLE_PRICING, **SAYS), after_s=1)
    assert answer(events) == ("dependency_failure", "pricing", "kill_restart", "pricing")
    assert only(events, CauseFound).best.witnesses == 2


def test_a_busy_culprit_gets_the_whole_time_also_after_a_short_one_in_vain() -> None:
    made = chain()
    busy = only(made.open(sick(dependencies=BUSY_PRICING, **SAYS), after_s=60), FixChosen)
    assert (busy.fix, busy.patience_s) == ("wait", 0.0)
    again = chain()
    brief = only(again.open(sick(dependencies=IDLE_PRICING, **SAYS), after_s=60), FixChosen)
    assert brief.patience_s == 6.0
    again.tell(
        AnomalyDetected(service="pricing", metric="requests_per_s", value=90, expected=3, sigmas=9), after_s=3
    )
    whole = only(fail(again, brief, after_s=3), FixChosen)
    assert (whole.fix, whole.service, whole.patience_s) == ("wait", "shop", 0.0)
    assert only(fail(again, whole, after_s=30), FixChosen).service == "pricing"


def test_where_waiting_helped_again_and_again_there_is_no_haste() -> None:
    made = chain()
    for _ in range(3):
        opened = made.open(sick(dependencies=IDLE_PRICING, **SAYS), after_s=60)
        choice = only(opened, FixChosen)
        helped = FixVerified(
            service="shop", fix="wait", cause_name=choice.cause_name, culprit="pricing", seconds=3.0
        )
        made.tell(helped, after_s=3, incident=choice.incident)
        made.tell(IncidentClosed(service="shop", outcome="healed"), incident=choice.incident)
    assert only(made.open(sick(dependencies=IDLE_PRICING, **SAYS), after_s=60), FixChosen).patience_s == 0.0


def test_a_release_that_was_pointed_back_to_is_not_suspected_for_being_young() -> None:
    made = chain()
    for before, after in (("v1", "v2"), ("v2", "v3")):
        made.tell(ChangeObserved(service="shop", kind="release", what="current", before=before, after=after))
    choice = only(made.open(sick(symptom="bad_status", status=500), after_s=3), FixChosen)
    helped = FixVerified(
        service="shop", fix=choice.fix, cause_name=choice.cause_name, culprit="shop", seconds=2.0
    )
    made.tell(helped, incident=choice.incident)
    made.tell(IncidentClosed(outcome="healed", service="shop"), incident=choice.incident)
    made.tell(HealthChanged(service="shop", health="healthy", incarnation="shop-2"))
    events = made.open(sick(symptom="bad_status", status=500, incarnation="shop-2"), after_s=20)
    assert answer(events)[::2] == ("unknown", "kill_restart")


def test_a_good_release_is_not_taken_back_for_ending_while_somebody_else_is_away() -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    output = "FATAL cannot reach upstream: <urlopen error [Errno 111] Connection refused>"
    assert answer(made.open(dead(exit_code=1, output=output), after_s=60))[::2] == ("crash", "respawn")


def test_after_waiting_in_vain_the_culprit_without_an_incident_is_restarted() -> None:
    made = chain()
    waiting = only(made.open(sick(symptom="timeout", dependencies=SLOW_PRICING)), FixChosen)
    events = fail(made, waiting, after_s=30)
    assert answer(events) == ("dependency_failure", "pricing", "kill_restart", "pricing")
    assert only(events, CauseFound).service == "shop"


def test_a_culprit_that_has_its_own_incident_is_left_to_it() -> None:
    made = chain()
    made.open(sick("pricing", symptom="timeout", dependencies=()))
    waiting = only(made.open(sick(symptom="timeout", dependencies=DEAD_PRICING)), FixChosen)
    for _ in range(2):
        events = fail(made, waiting, after_s=30)
        waiting = only(events, FixChosen)
        assert (waiting.fix, waiting.service) == ("wait", "shop")
    assert [type(event) for event in fail(made, waiting)] == [CauseFound, FixesExhausted]


def test_once_the_dependency_is_well_again_the_caller_itself_is_suspected() -> None:
    made = chain()
    made.tell(sick("pricing", symptom="timeout", dependencies=()))
    waiting = only(made.open(sick(symptom="timeout", dependencies=DEAD_PRICING)), FixChosen)
    made.tell(HealthChanged(service="pricing", health="healthy", incarnation="pricing-1"), after_s=5)
    assert answer(fail(made, waiting, after_s=40)) == ("hang", "shop", "kill_restart", "shop")


def test_a_killed_caller_of_a_failing_dependency_is_respawned() -> None:
    events = chain().open(dead(signal=9, dependencies=DEAD_PRICING))
    assert answer(events) == ("crash", "shop", "respawn", "shop")


# --- more evidence ---


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("OSError: [Errno 24] Too many open files", "connection_exhaustion"),
        ("FATAL: sorry, too many clients already", "connection_exhaustion"),
        ("sqlite3.DatabaseError: database disk image is malformed", "state_corruption"),
        ("MemoryError", "memory_leak"),
        ("environment variable API_KEY is not set", "config_error"),
    ],
)
def test_known_sentences_tell_the_cause(line: str, cause: str) -> None:
    found = only(chain().open(sick(symptom="bad_status", status=500, output=f"start\n{line}\n")), CauseFound)
    assert found.best.name == cause
    assert any(line in sentence for sentence in found.best.evidence)


def test_killed_near_its_memory_ceiling_is_a_leak() -> None:
    made = chain()
    sample = ServiceSampled(
        service="shop", names=("rss_mib", "cpu_percent"), values=(250.0, 3.0), incarnation="shop-1"
    )
    made.tell(sample)
    assert answer(made.open(dead(signal=9))) == ("memory_leak", "shop", "restart", "shop")


def test_figures_of_an_earlier_life_say_nothing() -> None:
    made = chain()
    made.tell(ServiceSampled(service="shop", names=("rss_mib",), values=(250.0,), incarnation="shop-0"))
    assert answer(made.open(dead(signal=9)))[0] == "crash"


def test_errors_of_which_nothing_speaks_are_unknown_and_restarted() -> None:
    events = chain().open(sick(symptom="bad_status", status=500))
    assert answer(events) == ("unknown", "shop", "kill_restart", "shop")


def test_nobody_is_sure_of_the_unknown_and_it_is_treated_all_the_same() -> None:
    events = chain().open(sick(symptom="bad_status", status=500))
    found, chosen = only(events, CauseFound), only(events, FixChosen)
    assert (found.best.name, found.best.confidence) == ("unknown", 0.0)
    assert found.best.evidence == (
        "nothing that was seen speaks clearly for one cause",
        "it answers HTTP 500",
    )
    assert chosen.probability > 0.5
    assert chosen.why.startswith("whatever the cause is: kill the process group")
    assert sentence(found) == (
        "cause: unknown: nothing that was seen speaks clearly for one cause; it answers HTTP 500"
    )


def test_the_unknown_is_nobodys_rival_and_takes_what_confidence_is_left() -> None:
    cause = only(chain().open(sick(symptom="timeout")), CauseFound)
    assert cause.best.name == "hang"
    assert "unknown" not in {rival.name for rival in cause.rivals}
    assert cause.best.confidence + sum(rival.confidence for rival in cause.rivals) < 0.95


def test_a_change_that_is_old_is_not_suspected() -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    assert answer(made.open(sick(symptom="bad_status", status=500), after_s=3600))[0] == "unknown"


def test_killed_just_after_a_release_is_still_a_crash() -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    assert answer(made.open(dead(signal=9), after_s=1))[:3] == ("crash", "shop", "respawn")
    confidence = only(
        [event for event in made.journal if isinstance(event, CauseFound)], CauseFound
    ).best.confidence
    assert confidence > 0.9


def test_the_dead_are_never_merely_watched() -> None:
    made = chain()
    events = made.open(dead("queue", exit_code=3, dependencies=()))
    while choices := [event for event in events if isinstance(event, FixChosen)]:
        assert choices[0].fix != "wait"
        events = fail(made, choices[0])


def test_a_rollback_is_no_new_release() -> None:
    made = chain()
    made.tell(ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2"))
    made.tell(
        ChangeObserved(service="shop", kind="release", what="current", before="v2", after="v1"), after_s=5
    )
    assert answer(made.open(sick(symptom="bad_status", status=500), after_s=5))[0] == "unknown"


def test_lines_of_an_older_trouble_do_not_speak_again() -> None:
    made = chain()
    old = "2025-11-20 12:00:01 json.decoder.JSONDecodeError: bad data/shop.json"
    made.tell(sick(symptom="bad_status", status=500, output=old))
    made.tell(HealthChanged(service="shop", health="healthy", incarnation="shop-1"), after_s=5)
    events = made.open(sick(symptom="bad_status", status=500, output=old), after_s=60)
    assert answer(events)[0] == "unknown"


def test_past_incidents_that_looked_the_same_raise_confidence() -> None:
    made = chain()
    confidences = []
    for _ in range(3):
        events = made.open(sick(symptom="refused"), after_s=100)
        choice = only(events, FixChosen)
        confidences.append(only(events, CauseFound).best.confidence)
        healed = FixVerified(service="shop", fix=choice.fix, cause_name="hang", culprit="shop", seconds=1)
        made.tell(healed, incident=choice.incident)
        made.tell(IncidentClosed(service="shop", outcome="healed"), incident=choice.incident)
        made.tell(HealthChanged(service="shop", health="healthy", incarnation="shop-1"))
    assert confidences == sorted(set(confidences))


# --- the ladder ---


def test_each_failure_has_exactly_one_next_choice_and_no_fix_comes_twice() -> None:
    made = chain()
    events = made.open(sick(symptom="bad_status", status=500))
    tried = []
    while choices := [event for event in events if isinstance(event, FixChosen)]:
        [choice] = choices
        tried.append(choice.fix)
        assert choice.attempt == len(tried)
        events = fail(made, choice)
        assert len([event for event in events if isinstance(event, CauseFound)]) == 1
    assert len(tried) == len(set(tried)) >= 2
    assert isinstance(events[-1], FixesExhausted)


def test_the_only_fix_is_tried_as_often_as_attempts_allow() -> None:
    world = world_of({"name": "lone"})
    world.fixes = {"respawn": world.fixes["respawn"]}
    made = Chain(RcaEngine(world), IntelligentFixSelector(world))
    events = made.open(dead("lone", signal=9, dependencies=()))
    for attempt in (1, 2, 3):
        choice = only(events, FixChosen)
        assert (choice.fix, choice.attempt) == ("respawn", attempt)
        events = fail(made, choice)
    assert only(events, FixesExhausted).service == "lone"


def test_a_cause_whose_fix_failed_is_less_sure() -> None:
    made = chain()
    first = made.open(sick(symptom="refused"))
    second = fail(made, only(first, FixChosen))
    assert only(second, CauseFound).best.confidence < only(first, CauseFound).best.confidence


def interrupt(made: Chain, choice: FixChosen, fault: HealthChanged) -> list[Event]:
    made.tell(fault, after_s=2)
    failed = FixFailed(
        service=choice.service, fix=choice.fix, cause_name=choice.cause_name, culprit=choice.culprit, reason="killed",
        interrupted=True,
    )  # fmt: skip
    return made.tell(failed, incident=choice.incident)


def test_to_a_new_fault_every_fix_is_new_again_and_nothing_is_refuted_or_learnt() -> None:
    made = chain()
    choice = only(made.open(dead(signal=9)), FixChosen)
    for n in range(2, 8):
        events = interrupt(made, choice, dead(signal=9, incarnation=f"shop-{n}"))
        assert answer(events) == ("crash", "shop", "respawn", "shop")
        choice = only(events, FixChosen)
        assert choice.attempt == 1
        assert only(events, CauseFound).best.evidence == ("the process was ended by signal 9",)
        assert "here it helped" not in choice.why


def test_what_heals_a_new_fault_is_learnt_of_that_fault() -> None:
    made = chain()
    choice = only(made.open(sick(symptom="bad_status", status=500)), FixChosen)
    events = interrupt(made, choice, dead(signal=9, incarnation="shop-2"))
    choice = only(events, FixChosen)
    helped = FixVerified(service="shop", fix="respawn", cause_name="crash", culprit="shop", seconds=2.0)
    made.tell(helped, incident=choice.incident)
    [key] = made.agents[0].state.knowledge
    assert key == "shop|exit|9| -> crash@shop"


def test_an_answer_while_a_fix_is_under_way_chooses_nothing() -> None:
    made = chain()
    events = made.open(sick(symptom="timeout"))
    found = only(events, CauseFound)
    assert made.tell(CauseFound(service="shop", best=found.best), incident=found.incident) == []


@pytest.mark.parametrize("limit", ["dry_run", "observe", "recovery_disabled", "stopped", "attempts"])
def test_a_refusal_that_holds_for_every_fix_ends_the_choice(limit: str) -> None:
    made = chain()
    choice = only(made.open(sick(symptom="bad_status", status=500)), FixChosen)
    refused = FixRefused(service="shop", fix=choice.fix, limit=limit, reason="no", final=True)
    assert only(made.tell(refused, incident=choice.incident), FixesExhausted).service == "shop"


def test_a_refusal_of_one_fix_brings_the_next_without_a_new_diagnosis() -> None:
    made = chain()
    choice = only(made.open(sick(symptom="bad_status", status=500)), FixChosen)
    refused = FixRefused(service="shop", fix=choice.fix, limit="breaker", reason="flapping", final=True)
    [following] = made.tell(refused, incident=choice.incident)
    assert isinstance(following, FixChosen)
    assert following.fix != choice.fix
    assert following.attempt == 1


def test_a_refusal_for_now_changes_nothing() -> None:
    made = chain()
    choice = only(made.open(sick(symptom="timeout")), FixChosen)
    refused = FixRefused(service="shop", fix=choice.fix, limit="paused", reason="paused")
    assert made.tell(refused, incident=choice.incident) == []


def test_a_new_round_after_escalation_may_choose_every_fix_again() -> None:
    made = chain()
    choice = only(made.open(sick(symptom="timeout")), FixChosen)
    fail(made, choice)
    made.tell(IncidentEscalated(service="shop", reason="nothing left"), incident=choice.incident)
    events = made.tell(
        IncidentRetried(service="shop", round=2, reason="slow probing"), incident=choice.incident
    )
    assert answer(events) == ("hang", "shop", "kill_restart", "shop")


def test_what_failed_often_here_is_tried_later() -> None:
    made = chain()
    for number in range(8):
        failed = FixFailed(
            service="shop", fix="kill_restart", cause_name="unknown", culprit="shop", reason="no"
        )
        made.tell(failed, incident=f"other-{number}")
    assert answer(made.open(sick(symptom="bad_status", status=500)))[2] != "kill_restart"


def test_boots_are_limited_only_where_another_fix_is_promising() -> None:
    made = chain()
    release = ChangeObserved(service="shop", kind="release", what="current", before="v1", after="v2")
    made.tell(release)
    choice = only(made.open(sick(symptom="timeout"), after_s=400), FixChosen)
    assert choice.patience_boots == 3


def test_the_choice_is_the_same_every_time() -> None:
    signs = [sick(symptom="bad_status", status=500), sick(symptom="refused"), dead(exit_code=2)]
    for sign in signs:
        answers = {repr(chain().open(sign)) for _ in range(3)}
        assert len(answers) == 1


def test_random_untrusted_output_never_breaks_a_diagnosis() -> None:
    diagnosed_with_all(2)  # three at once in tests/integration/sweeps


def diagnosed_with_all(at_once: int) -> None:
    pieces = [
        "Traceback (most recent call last):",
        "\x00\x1b[31m",
        "pricing",
        "a" * 9000,
        "a." * 4000,
        "((((",
        "é\ud7ff",
        "503",
    ]
    for combination in itertools.permutations(pieces, at_once):
        events = chain().open(sick(symptom="bad_status", status=500, output="\n".join(combination)))
        found = only(events, CauseFound)
        assert sum(cause.confidence for cause in (found.best, *found.rivals)) < 1.001


def test_state_replays_to_the_same_answers() -> None:
    made = chain()
    made.open(sick(symptom="timeout", dependencies=SLOW_PRICING))
    world = world_of(*SERVICES)
    again: tuple[Any, ...] = (RcaEngine(world), IntelligentFixSelector(world))
    for fact in made.journal:
        for agent in again:
            if type(fact) in (*agent.consumes, *agent.emits):
                agent.apply(fact)
    assert [agent.state for agent in again] == [agent.state for agent in made.agents]


def test_an_applied_fix_is_none_of_their_business() -> None:
    assert FixApplied not in RcaEngine.consumes


def test_state_survives_a_snapshot() -> None:
    made = chain()
    made.tell(FileDamaged(service="shop", path="data/shop.json", problem="not JSON"))
    choice = only(made.open(sick(symptom="timeout", dependencies=SLOW_PRICING)), FixChosen)
    fail(made, choice)
    for agent in made.agents:
        kind = type(agent.state)
        assert msgspec.json.decode(msgspec.json.encode(agent.state), type=kind) == agent.state


@pytest.mark.parametrize(("symptom", "cause"), [("given_up", "crash"), ("silent", "hang")])
def test_an_agent_of_our_own_is_restarted_as_often_as_is_allowed_and_nothing_else_is_tried(
    symptom: Any, cause: str
) -> None:
    notifier = "nightwarden:notifier"
    ill = AgentHealthChanged(service=notifier, health="down", symptom=symptom, reason="r")
    both = chain()
    answers = both.open(ill)
    for attempt in (1, 2, 3):
        found, chosen = only(answers, CauseFound), only(answers, FixChosen)
        assert (found.best.name, found.best.service, found.rivals) == (cause, notifier, ())
        assert (chosen.fix, chosen.service, chosen.attempt) == ("restart_agent", notifier, attempt)
        failed = FixFailed(
            service=notifier, fix="restart_agent", cause_name=cause, culprit=notifier, reason="r"
        )
        answers = both.tell(failed, incident=chosen.incident)
    assert only(answers, FixesExhausted).service == notifier


def test_a_release_that_was_suspect_when_the_trouble_began_stays_so_for_as_long_as_that_lasts() -> None:
    made = chain()
    made.tell(
        ChangeObserved(service="shop", kind="release", what="releases/current", before="v1", after="v2")
    )
    ill = sick(symptom="bad_status", status=500, output="KeyError: 'price' in version v2")
    opened = made.open(ill, after_s=2)
    incident = opened[0].incident
    again = made.tell(IncidentRetried(service="shop", round=9, reason="r"), after_s=5000, incident=incident)
    assert only(again, CauseFound).best.name == "bad_deploy"
