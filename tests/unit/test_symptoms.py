"""What each kind of observation says about a service's own troubles, rule by rule."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analysis import symptoms as rules
from analysis.evidence import Ceiling, Change, Deviation, Evidence, Peer, Scene, View
from analysis.symptoms import DEVIATION_HALF_LIFE_S, signature

LATE = 1_000_000.0
TRACE = "Traceback (most recent call last):\n  x\nValueError: 3 is bad"
Rule = Callable[[Scene], Iterator[Evidence]]


def weigh(rule: Rule, opened_by: str = "timeout", **told: Any) -> dict[str, float]:
    """Weights by cause; what a rule says twice of one cause adds up."""
    view = View(name="shop", **told)
    scene = Scene(now=LATE, service="shop", opened_by=opened_by, views={"shop": view}, suspect_s=900.0)
    found: dict[str, float] = {}
    for item in rule(scene):
        assert item.service == "shop"
        found[item.cause] = found.get(item.cause, 0.0) + item.weight
    return found


def words(rule: Rule, **told: Any) -> list[str]:
    view = View(name="shop", **told)
    scene = Scene(now=LATE, service="shop", opened_by="timeout", views={"shop": view}, suspect_s=900.0)
    return [item.sentence for item in rule(scene)]


# --- it is gone ---


def test_a_kill_near_the_memory_ceiling_is_rather_a_leak_than_a_crash() -> None:
    found = weigh(rules.ended, symptom="exit", signal=9, memory_share=0.9)
    assert found["memory_leak"] > found["crash"]
    assert "90% of its memory ceiling" in words(rules.ended, symptom="exit", signal=9, memory_share=0.9)[1]


@pytest.mark.parametrize(("signal", "share"), [(9, 0.89), (9, None), (11, 0.95)])
def test_other_kills_are_crashes_and_nothing_else(signal: int, share: float | None) -> None:
    assert list(weigh(rules.ended, symptom="exit", signal=signal, memory_share=share)) == ["crash"]


def test_an_end_is_told_as_it_was_seen() -> None:
    assert words(rules.ended, symptom="exit", signal=11) == ["the process was ended by signal 11"]
    assert words(rules.ended, symptom="exit", exit_code=3) == ["the process ended with exit code 3"]
    assert words(rules.ended, symptom="found_dead") == ["the process is not there any more"]
    assert words(rules.ended, symptom="timeout", exit_code=3) == []


def test_last_words_count_for_who_failed_and_more_with_a_traceback() -> None:
    quiet = weigh(rules.ended, symptom="exit", exit_code=1)["crash"]
    brief = weigh(rules.ended, symptom="exit", exit_code=1, text="ValueError: 3 is bad")["crash"]
    traced = weigh(rules.ended, symptom="exit", exit_code=1, text=TRACE)["crash"]
    assert quiet < brief < traced
    assert "its last words: ValueError: # is bad" in words(
        rules.ended, symptom="exit", exit_code=1, text=TRACE
    )
    assert len(words(rules.ended, symptom="exit", exit_code=0, text=TRACE)) == 1, "it ended well"


# --- it lives and says nothing, or no ---


def test_who_is_stopped_by_a_signal_hangs_unless_it_has_ended_since() -> None:
    assert list(weigh(rules.silent, symptom="error", process_state="T")) == ["hang"]
    assert weigh(rules.silent, symptom="exit", process_state="T") == {}


@pytest.mark.parametrize("symptom", ["timeout", "refused", "stale_heartbeat"])
def test_who_lives_and_is_silent_hangs(symptom: str) -> None:
    assert list(weigh(rules.silent, symptom=symptom)) == ["hang"]
    assert "the process lives" in words(rules.silent, symptom=symptom)[0]


def test_of_a_closed_port_of_what_others_run_a_crash_is_the_likelier_reason() -> None:
    found = weigh(rules.silent, symptom="refused", is_child=False)
    assert found["crash"] > found["hang"]
    assert "lives" not in words(rules.silent, symptom="timeout", is_child=False)[0]


def test_an_answer_that_says_no_is_quoted_and_explains_nothing() -> None:
    assert words(rules.negative, symptom="bad_status", status=503) == ["it answers HTTP 503"]
    assert words(rules.negative, symptom="error", reason="odd") == ["its probe fails: odd"]
    assert words(rules.negative, symptom="error") == ["its probe fails: no reason given"]
    assert list(weigh(rules.negative, symptom="bad_status", status=503)) == ["unknown"]
    assert weigh(rules.negative, symptom="timeout", status=503, text="slow") == {}


@pytest.mark.parametrize("told", [{"reason": "slow"}, {"text": "x" * 900 + " it is slow"}])
@pytest.mark.parametrize(
    ("cpu", "cause"), [(90.0, "cpu_saturation"), (89.0, "network_latency"), (None, "network_latency")]
)
def test_who_says_that_it_is_slow_is_short_of_processor_time_or_of_network(
    told: dict[str, str], cpu: float | None, cause: str
) -> None:
    found = weigh(rules.negative, symptom="bad_status", status=503, cpu_percent=cpu, **told)
    assert list(found) == ["unknown", cause]
    said = words(rules.negative, symptom="bad_status", status=503, cpu_percent=cpu, **told)[1]
    assert ("processor time is used up" in said) is (cause == "cpu_saturation")


def test_slowness_of_long_ago_is_not_in_the_last_words() -> None:
    assert list(weigh(rules.negative, symptom="error", text="it is slow " + "x" * 900)) == ["unknown"]


# --- it was changed ---


def change(age_s: float, kind: str = "release", before: str = "v1", after: str = "v2") -> Change:
    return Change(kind, "current", before, after, LATE - age_s)


def test_a_young_change_is_suspected_the_more_the_younger_it_is() -> None:
    found = [weigh(rules.changed, changes=(change(age_s),)).get("bad_deploy") for age_s in (0, 450, 900)]
    assert found[0] is not None and found[1] is not None and found[2] is not None
    assert found[0] > found[1] > found[2] > 0
    for age_s in (900.1, -0.1):
        assert weigh(rules.changed, changes=(change(age_s),)) == {}


def test_of_each_kind_the_last_change_is_suspected() -> None:
    told = words(rules.changed, changes=(change(9), change(3), change(5, "config", "", "")))
    assert told == [
        "its release (current) was changed from v1 to v2 3 s before",
        "its config (current) was changed 5 s before",
    ]
    assert list(weigh(rules.changed, changes=(change(5, "config"),))) == ["config_error"]


@pytest.mark.parametrize(("before", "after"), [("v1", ""), ("", "v2")])
def test_half_a_step_is_told_too(before: str, after: str) -> None:
    assert (
        f"from {before} to {after} "
        in words(rules.changed, changes=(change(1, "release", before, after),))[0]
    )


@pytest.mark.parametrize(
    "told",
    [
        {"signal": 9},
        {"process_state": "T"},
        {"opened_by": "failure_predicted"},
        {"symptom": "exit", "exit_code": 143},
        {"symptom": "exit", "exit_code": 1, "text": "connection refused"},
    ],
)
def test_what_no_release_does_speaks_less_against_it(told: dict[str, Any]) -> None:
    full = weigh(rules.changed, changes=(change(1),))["bad_deploy"]
    assert weigh(rules.changed, changes=(change(1),), **told)["bad_deploy"] <= 0.6 * full


@pytest.mark.parametrize(
    ("told", "made_way"),
    [
        ({"symptom": "found_dead", "started_at": LATE - 9}, True),
        ({"symptom": "found_dead", "started_at": LATE - 0.5}, False),
        ({"symptom": "found_dead"}, True),
        ({"symptom": "exit", "exit_code": 0, "started_at": LATE - 9}, True),
        ({"symptom": "exit", "exit_code": 0, "started_at": LATE - 0.5}, False),
        ({"symptom": "exit", "signal": 15}, True),
        ({"symptom": "exit", "signal": 11}, False),
        ({"symptom": "exit", "exit_code": 1}, False),
        ({"symptom": "bad_status", "exit_code": 0}, False),
        ({"symptom": "bad_status"}, False),
    ],
)
def test_who_ended_as_told_made_way_for_a_release_if_it_ran_before(
    told: dict[str, Any], *, made_way: bool
) -> None:
    full = weigh(rules.changed, changes=(change(1),))["bad_deploy"]
    assert (weigh(rules.changed, changes=(change(1),), **told)["bad_deploy"] < full / 2) is made_way


def test_a_complaint_of_a_connection_excuses_only_who_failed_by_it() -> None:
    full = weigh(rules.changed, changes=(change(1),))["bad_deploy"]
    told = {"symptom": "bad_status", "text": "connection refused"}
    assert weigh(rules.changed, changes=(change(1),), **told)["bad_deploy"] == full


# --- files, words, resources ---


def test_a_damaged_file_and_a_complaint_of_a_file_are_told_the_complaint_once() -> None:
    told = {"files": ("data/a.json", "data/b.json"), "text": "cannot read b.json\ncannot read a.json"}
    assert words(rules.damaged, damaged=(("x", "cut"),)) == ["x is damaged: cut"]
    assert words(rules.damaged, **told) == ["it speaks of data/a.json: cannot read a.json"]
    assert words(rules.damaged, signal=9, **told) == [], "who is killed does not choose its last words"


@pytest.mark.parametrize("told", [{"signal": 9}, {"process_state": "T"}])
def test_words_count_less_where_a_signal_explains_the_end(told: dict[str, Any]) -> None:
    full = weigh(rules.said, text="no space left on device")["disk_full"]
    assert weigh(rules.said, text="no space left on device", **told)["disk_full"] < full / 2
    assert list(weigh(rules.said, reason="no space left on device")) == ["disk_full"]


def test_older_words_count_less() -> None:
    older = "no space left on device\n" + "and so on\n" * 40
    assert (
        weigh(rules.said, text=older)["disk_full"]
        < weigh(rules.said, text="no space left on device")["disk_full"]
    )


def ceiling(incarnation: str) -> Ceiling:
    return Ceiling("memory_leak", "rss_mib", 30.0, incarnation, "it grows", LATE)


def test_a_prediction_speaks_of_its_own_life_and_loudest_where_it_opened_the_incident() -> None:
    assert weigh(rules.running_out, incarnation="a", ceilings=(ceiling("b"),)) == {}
    aside = weigh(rules.running_out, incarnation="a", ceilings=(ceiling("a"),))["memory_leak"]
    opened = {"opened_by": "failure_predicted", "incarnation": "a", "ceilings": (ceiling("a"),)}
    assert weigh(rules.running_out, **opened)["memory_leak"] > 2 * aside
    assert weigh(rules.running_out, ceilings=(ceiling("b"),)) == {"memory_leak": aside}, "no life is known"


def test_memory_near_its_ceiling_is_told_of_who_lives() -> None:
    assert words(rules.running_out, memory_share=0.9) == ["it uses 90% of its memory ceiling"]
    for told in ({"memory_share": 0.89}, {"memory_share": None}, {"memory_share": 0.95, "symptom": "exit"}):
        assert words(rules.running_out, **told) == []


def deviation(metric: str, age_s: float = 0.0, value: float = 9.0) -> Deviation:
    return Deviation(metric, value, 3.0, 8.0, LATE - age_s)


@pytest.mark.parametrize(
    ("metric", "cause"),
    [
        ("http_requests_per_s{path='/'}", "traffic_spike"),
        ("http_request_seconds_mean", "network_latency"),
        ("cpu_percent", "cpu_saturation"),
        ("rss_mib", "memory_leak"),
    ],
)
def test_a_metric_above_its_level_has_a_meaning(metric: str, cause: str) -> None:
    assert list(weigh(rules.deviating, deviations=(deviation(metric),))) == [cause]
    assert words(rules.deviating, deviations=(deviation(metric),)) == [f"{metric} is 9, usually 3"]


@pytest.mark.parametrize(
    "seen",
    [deviation("rss_mib", value=3.0), deviation("rss_mib", value=1.0), deviation("errors_per_s"),
     deviation("requests"), deviation("threads"), deviation("rss_mib", age_s=180.5)],
)  # fmt: skip
def test_others_have_none(seen: Deviation) -> None:
    assert weigh(rules.deviating, deviations=(seen,)) == {}


def test_a_deviation_fades_by_half_in_its_half_life_and_each_cause_has_one_word() -> None:
    now = weigh(rules.deviating, deviations=(deviation("rss_mib"),))["memory_leak"]
    old = deviation("rss_mib", DEVIATION_HALF_LIFE_S)
    assert weigh(rules.deviating, deviations=(old,))["memory_leak"] == pytest.approx(now / 2)
    for order in ((old, deviation("rss_mib")), (deviation("rss_mib"), old)):
        told = (deviation("threads"), *order, deviation("cpu_percent"))
        found = weigh(rules.deviating, deviations=told)
        assert (list(found), found["memory_leak"]) == (["memory_leak", "cpu_saturation"], now)


# --- what makes incidents look the same ---


def test_incidents_look_the_same_by_their_signal_status_or_exit_code() -> None:
    def looks(**told: Any) -> str:
        return signature(View(name="shop", symptom="exit", **told))

    assert looks(signal=9, exit_code=1) == "shop|exit|9|"
    assert looks(status=503) == "shop|exit|503|"
    assert looks(exit_code=1, text="ValueError: 7") == "shop|exit|1|ValueError: #"
    assert looks() == "shop|exit||"


# --- a peer ---


@pytest.mark.parametrize(
    ("latency_s", "usual_s", "slow"),
    [(1.0, 0.0, True), (0.99, 0.0, False), (0.4, 0.01, True), (0.4, 0.35, False), (1.5, 1.4, False)],
)
def test_a_peer_is_slow_against_what_is_usual_and_else_from_a_second_on(
    latency_s: float, usual_s: float, *, slow: bool
) -> None:
    assert Peer("pricing", ok=True, latency_s=latency_s, usual_latency_s=usual_s).slow is slow


def test_a_command_that_cannot_even_be_started_is_an_error_of_the_configuration() -> None:
    for reason in (
        "shop: the command serve is not on the PATH",
        "the working directory /srv/shop does not exist",
    ):
        assert list(weigh(rules.ended, "exit", symptom="exit", reason=reason)) == ["config_error"]
    assert list(weigh(rules.ended, "exit", symptom="exit", reason="exited with code 1", exit_code=1)) == [
        "crash"
    ]
    own_words = "exited with code 1: the command serve does not exist"
    assert "config_error" not in weigh(rules.ended, "exit", symptom="exit", reason=own_words, exit_code=1)
