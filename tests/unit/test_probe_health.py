"""Streaks of probes and what they mean."""

import pytest

from analysis.probe_health import UsualLatency, Vitals
from analysis.warm_up import Boot, says_no, tolerance


def healthy(mark: str = "a") -> Vitals:
    vitals = Vitals()
    vitals.begin(mark, at=0.0)
    vitals.became("healthy")
    return vitals


def see(vitals: Vitals, ok: bool | None, at: float = 1.0, mark: str = "a") -> str | None:
    return vitals.observe(mark, ok, at, start_timeout_s=20)


def test_two_failed_probes_in_a_row_mean_unhealthy() -> None:
    vitals = healthy()
    assert see(vitals, ok=False) is None
    assert see(vitals, ok=False) == "unhealthy"


def test_failures_that_come_too_close_are_one() -> None:
    vitals = healthy()
    seen = [
        vitals.observe("a", ok=False, at=at, start_timeout_s=20, apart_s=0.5) for at in (1.0, 1.1, 1.4, 1.6)
    ]
    assert seen == [None, None, None, "unhealthy"]


def test_a_good_probe_between_two_failed_ones_ends_the_streak() -> None:
    vitals = healthy()
    assert [see(vitals, ok) for ok in (False, True, False)] == [None, None, None]


def test_one_good_probe_means_healthy() -> None:
    vitals = healthy()
    vitals.became("unhealthy")
    assert see(vitals, ok=True) == "healthy"


def test_unknown_counts_as_nothing_and_does_not_end_a_streak() -> None:
    vitals = healthy()
    assert [see(vitals, ok) for ok in (False, None, None)] == [None, None, None]
    assert see(vitals, ok=False) == "unhealthy"


def test_unhealthy_is_news_once() -> None:
    vitals = healthy()
    see(vitals, ok=False)
    see(vitals, ok=False)
    vitals.became("unhealthy")
    assert see(vitals, ok=False) is None


def test_a_probe_of_another_incarnation_counts_for_nothing() -> None:
    vitals = healthy()
    see(vitals, ok=False)
    assert see(vitals, ok=False, mark="b") is None
    assert vitals.failed == 1


def test_a_new_life_has_no_streak() -> None:
    vitals = healthy()
    see(vitals, ok=False)
    vitals.begin("b", at=5.0)
    vitals.became("healthy")
    assert see(vitals, ok=False, mark="b") is None


def test_a_booting_service_may_fail_until_its_time_is_over() -> None:
    vitals = Vitals()
    vitals.begin("a", at=100.0)
    assert {see(vitals, ok=False, at=100.0 + n) for n in range(20)} == {None}
    assert see(vitals, ok=False, at=120.0) == "unhealthy"


def test_boot_time_that_nobody_watched_does_not_count() -> None:
    vitals = Vitals()
    vitals.begin("a", at=0.0)
    see(vitals, ok=False, at=1.0)
    vitals.resume(at=500.0)
    assert see(vitals, ok=False, at=501.0) is None
    assert see(vitals, ok=False, at=502.0) is None


def unhealthy_at(boots: tuple[Boot, ...], statuses: dict[int, int], others: int | None) -> float | None:
    """When a life that answers so (by second, from then on) is called unhealthy; it may boot for 20 s."""
    vitals = Vitals()
    vitals.begin("a", 0.0, tolerance(boots))
    status = others
    for quarter in range(100):
        at = quarter / 4
        status = statuses.get(quarter // 4, status)
        if vitals.observe("a", ok=False, at=at, start_timeout_s=20.0, apart_s=0.5, status=status):
            return at
    return None


@pytest.mark.parametrize(
    ("boots", "statuses", "at"),
    [
        ((Boot(1.0),), {1: 500}, 4.0),
        ((Boot(1.0),), {1: 404}, 4.0),
        ((Boot(1.0),), {}, 20.0),  # nobody listens
        ((Boot(1.0),), {1: 503}, 20.0),
        ((Boot(1.0),), {1: 500, 2: 503, 6: 500}, 9.0),  # in a row
        ((Boot(10.0),), {1: 500}, 10.0),  # as long as it ever needed
        ((Boot(9.0, answered_s=6.0),), {1: 500}, 13.0),  # it often takes its time
        ((Boot(9.0, answered_s=6.0), Boot(1.0)), {1: 500}, 13.0),
        ((), {1: 500}, 20.0),  # nobody knows how it warms up
    ],
)
def test_a_boot_that_answers_with_errors_fails_before_its_time_is_over(
    boots: tuple[Boot, ...], statuses: dict[int, int], at: float
) -> None:
    assert unhealthy_at(boots, statuses, None) == at


def test_a_boot_is_measured_only_where_it_was_seen_whole() -> None:
    vitals = Vitals()
    vitals.begin("a", at=10.0)
    for at, status in ((11.0, None), (12.0, 503), (13.0, 500)):
        vitals.observe("a", ok=False, at=at, start_timeout_s=20.0, status=status)
    assert vitals.boot(15.0) == Boot(took_s=5.0, answered_s=3.0)
    vitals.resume(at=14.0)
    assert vitals.boot(15.0) is None
    vitals.begin("b", at=20.0)
    vitals.became("healthy")
    assert vitals.boot(21.0) is None


def test_which_answers_say_no() -> None:
    assert [says_no(status) for status in (None, 404, 500, 502, 503, 504)] == [
        False,
        True,
        True,
        *[False] * 3,
    ]


def test_only_the_first_failure_of_a_healthy_service_is_suspicious() -> None:
    vitals = healthy()
    seen = []
    for ok in (True, False, False):
        see(vitals, ok)
        seen.append(vitals.suspicious)
    assert seen == [False, True, False]


def test_usual_latency_does_not_follow_a_slowness_that_has_just_begun() -> None:
    usual = UsualLatency()
    for latency_s in [0.01] * 40 + [0.8] * 100:
        usual.learn(latency_s)
    assert usual.value_s() == 0.01


def test_after_minutes_of_slowness_the_usual_is_what_it_was() -> None:
    usual = UsualLatency()
    for latency_s in ([0.01] * 10 + [0.4] * 30) * 4:
        usual.learn(latency_s)
    assert usual.value_s() == 0.01


def test_usual_latency_learns_a_level_that_lasts() -> None:
    usual = UsualLatency()
    for latency_s in [0.01] * 40 + [0.8] * 500:
        usual.learn(latency_s)
    assert usual.value_s() == 0.8
