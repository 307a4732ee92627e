"""Streaks of probes and what they mean."""

from analysis.probe_health import UsualLatency, Vitals


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
