from pathlib import Path

from config.settings import load_settings
from mlops.gate import GateLimits, limits_of
from mlops.gate.power import power_table, samples_for
from scripts.gate_table import table


def test_all_looks_together_keep_the_allowance_of_false_promotions() -> None:
    limits = GateLimits()
    early = sum(limits.tail(look, final=False) for look in range(1, 60))
    assert early + limits.tail(1, final=True) <= limits.false_promotion


def test_the_environment_sets_the_limits_that_users_know() -> None:
    environ = {
        "MIN_F1_IMPROVEMENT_PCT": "3",
        "MAX_BRIER_DEGRADATION": "0.02",
        "MIN_SAMPLES_FOR_DECISION": "500",
    }
    limits = limits_of(load_settings(environ))
    assert (limits.min_gain_pct, limits.max_brier_loss, limits.min_samples) == (3.0, 0.02, 500)


def test_half_the_gain_needs_four_times_the_samples() -> None:
    one, half = (samples_for(gain, 0.5, GateLimits()) for gain in (0.02, 0.01))
    assert abs(half - 4 * one) <= 40


def test_no_plan_asks_for_less_than_the_minimum() -> None:
    assert samples_for(10.0, 0.5, GateLimits()) == 200
    assert all(plan.samples >= 200 for plan in power_table(GateLimits()))


def test_the_page_shows_the_table_that_the_program_prints() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation_gates.md").read_text()
    assert f"<!-- power table -->\n{table(GateLimits())}\n<!-- end -->" in page
