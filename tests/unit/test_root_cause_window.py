"""Who is to blame, by the figures around an alarm: one thing is broken in a quiet system, and it has to be found."""

import numpy as np
import pytest

from analysis.root_cause.fusion import calibrated, weigh
from analysis.root_cause.naming import name_cause
from analysis.root_cause.window import Column, Counts, Timings, Window, quantiles
from tests.fixtures.windows import COLUMNS, SERVICES, calm, counts, scaled, timings


def blamed(window: Window) -> str:
    return weigh(window).suspects[0].service


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e9])
def test_whose_processor_is_used_up_is_blamed_in_whatever_unit_that_is_counted(unit: float) -> None:
    window = calm()
    for service in SERVICES:
        column = COLUMNS.index(Column(service, "cpu_percent"))
        window.before[:, column] *= unit
        window.after[:, column] *= unit
    scaled(window, "stock", "cpu_percent", 6.0)
    verdict = weigh(window)
    assert verdict.suspects[0].service == "stock"
    assert verdict.suspects[0].metrics[0] == "cpu_percent"
    assert verdict.suspects[0].confidence > 0.8
    assert name_cause(window, verdict) == "cpu_saturation"


def test_memory_that_doubles_is_named_so_though_the_processor_is_a_little_busier() -> None:
    window = calm()
    scaled(window, "mail", "rss_mib", 2.2)
    scaled(window, "mail", "cpu_percent", 1.3)
    verdict = weigh(window)
    assert (verdict.suspects[0].service, name_cause(window, verdict)) == ("mail", "memory_leak")


@pytest.mark.parametrize("late", [0, 1, 2, 3])
def test_an_alarm_that_comes_late_hides_nothing(late: int) -> None:
    window = calm()
    window = Window(
        columns=COLUMNS, before=window.before[-20:], after=window.after[: 5 - late], services=SERVICES
    )
    scaled(window, "stock", "cpu_percent", 5.0, late=late)
    suspect = weigh(window).suspects[0]
    assert suspect.service == "stock"
    assert suspect.confidence > 0.8


def test_where_nothing_deviates_nobody_is_accused_with_confidence() -> None:
    window = calm()
    verdict = weigh(window)
    assert verdict.suspects[0].confidence < 0.6
    assert not {"cpu", "memory", "latency"} & set(verdict.suspects[0].evidence)
    assert name_cause(window, verdict) == "unknown"


def test_a_slow_callee_is_blamed_and_not_the_callers_that_wait_for_it() -> None:
    window = calm(target=("front", "latency_mean"))
    for service, factor in (("front", 4.0), ("orders", 3.8), ("stock", 3.6)):
        scaled(window, service, "latency_mean", factor)
    verdict = weigh(window)
    assert (verdict.suspects[0].service, name_cause(window, verdict)) == ("stock", "network_latency")


def test_a_caller_that_is_slow_by_itself_is_not_excused_by_its_callees() -> None:
    window = calm(target=("front", "latency_mean"))
    for service, factor in (("front", 5.0), ("orders", 5.0), ("stock", 1.1)):
        scaled(window, service, "latency_mean", factor)
    assert blamed(window) == "orders"


def test_what_was_different_all_the_time_explains_no_breach_that_comes_and_goes() -> None:
    window = calm(target=("front", "success_share"))
    column = {name: COLUMNS.index(Column(name, "success_share")) for name in SERVICES}
    failing = np.array([0.0, 0.3, 0.5, 0.2, 0.0])
    window.after[:, column["front"]] = 1 - failing
    window.after[:, column["orders"]] = 1 - failing
    window.after[:, column["stock"]] = 1 - failing
    window.after[:, column["mail"]] = 0.5
    window.before[-3:, column["mail"]] = 0.5
    impact = {suspect.service: suspect.evidence["impact"] for suspect in weigh(window).suspects}
    assert max(impact, key=impact.__getitem__) == "stock"


def test_callers_that_wait_longer_than_the_callee_works_show_the_network_between_them() -> None:
    window = calm(timings=timings("mail", 8.0))
    verdict = weigh(window)
    assert (verdict.suspects[0].service, name_cause(window, verdict)) == ("mail", "network_latency")


def test_a_method_that_ends_early_breaks_the_ratio_of_its_lines() -> None:
    counted = counts()
    counted.now[counted.names.index("done orders")] *= 0.3
    window = calm(counts=[counted])
    verdict = weigh(window)
    assert (verdict.suspects[0].service, name_cause(window, verdict)) == ("orders", "bad_deploy")


def test_a_heavier_load_alone_breaks_no_ratio() -> None:
    counted = counts()
    counted.now[:] *= 3
    assert max(suspect.evidence.get("ratio", 0.0) for suspect in weigh(calm(counts=[counted])).suspects) < 0.3


def test_an_error_that_was_never_seen_before_counts_and_a_new_line_of_another_kind_does_not() -> None:
    counted = counts()
    counted.now[counted.names.index("error in stock")] = 12
    verdict = weigh(calm(counts=[counted]))
    assert verdict.suspects[0].service == "stock"
    assert verdict.suspects[0].evidence["new_errors"] > 0.5
    counted.names[counted.names.index("error in stock")] = "hello from stock"
    assert "new_errors" not in weigh(calm(counts=[counted])).suspects[0].evidence


def test_columns_without_a_value_or_that_never_change_accuse_nobody() -> None:
    window = calm()
    window.before[:, 0] = np.nan
    window.after[:, 0] = np.nan
    window.before[:, 5] = window.after[:, 5] = 0.0
    scaled(window, "stock", "cpu_percent", 6.0)
    suspects = weigh(window).suspects
    assert suspects[0].service == "stock"
    assert all(np.isfinite(suspect.score) for suspect in suspects)


def test_confidences_are_probabilities_that_grow_with_the_share_of_the_soft_max() -> None:
    found = [calibrated(share) for share in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert found == sorted(found)
    assert 0 < found[0] < found[-1] < 1


def test_quantiles_are_those_of_numpy_and_leave_nan_out() -> None:
    values = np.random.default_rng(7).standard_normal((41, 5))
    values[3:30, 2] = np.nan
    values[:, 4] = np.nan
    for share, found in zip((0.01, 0.5, 0.75), quantiles(values, (0.01, 0.5, 0.75)), strict=True):
        assert np.allclose(found[:4], np.nanquantile(values[:, :4], share, axis=0))
        assert np.isnan(found[4])


@pytest.mark.parametrize(("before", "after"), [(0, 5), (1, 5), (4, 1), (60, 0)])
def test_a_window_with_hardly_any_samples_is_judged_without_a_complaint(before: int, after: int) -> None:
    whole = calm()
    times, counted = timings("mail", 8.0), counts()
    times = Timings(times.services, times.calls[:1], times.gap_ms[:1], times.own_ms[:1])
    counted = Counts(counted.services, counted.names, counted.now, counted.past[:0])
    window = Window(
        columns=COLUMNS, before=whole.before[:before], after=whole.after[:after], services=SERVICES,
        timings=times, counts=[counted],
    )  # fmt: skip
    verdict = weigh(window)
    assert {suspect.service for suspect in verdict.suspects} == set(SERVICES)
    assert all(np.isfinite(suspect.score) for suspect in verdict.suspects)
