"""Twenty-one rules for safe automation: each is kept by named tests, and where we differ docs/critiques.md says so."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

from tests.fixtures.gate import Gate, limit

ROOT = Path(__file__).parents[2]
HERE = "unit/test_rules_of_safe_automation.py"


class Rule(Struct, frozen=True):
    """`differs`: docs/critiques.md has a row on what of it is not kept."""

    says: str
    kept_by: dict[str, tuple[str, ...]] = {}
    differs: bool = False


RULES = {
    1: Rule(
        "an empty or all-embracing set of targets is refused",
        {
            HERE: ("test_a_choice_without_a_target_or_for_everything_is_refused",),
            "unit/test_act_gate.py": ("test_what_is_not_known_is_refused",),
            "integration/test_process_children.py": ("test_the_group_that_would_mean_everybody_is_never_signalled",),
        },
        differs=True,
    ),
    2: Rule(
        "disruption budgets for a service, its neighbours and all together",
        {
            "unit/test_act_gate.py": (
                "test_one_open_act_per_target_until_its_verdict",
                "test_the_hourly_budget_of_a_service_counts_unverified_acts_only",
                "test_the_budget_of_all_holds_back_acts_but_no_respawn_of_a_seen_exit",
                "test_few_acts_fly_at_once",
            ),
            "unit/test_act_gate_properties.py": ("test_no_history_makes_the_gate_overstep",),
        },
        differs=True,
    ),
    3: Rule(
        "many that look ill at once: stop acting, suspect ourselves or what they share",
        {
            "unit/test_act_gate_suspicion.py": (
                "test_nothing_is_done_when_forty_of_fifty_fail_their_probes",
                "test_exits_damage_and_predictions_pass",
            ),
            "integration/daemon/test_dead_host.py": ("test_a_host_that_we_cannot_reach_is_one_message_and_no_act",),
        },
        differs=True,
    ),
    4: Rule(
        "a ladder of bounded intensity, then slow probing for ever, never silently",
        {
            "unit/test_incident_owner.py": (
                "test_exhausted_fixes_escalate_once_a_round_and_slow_probing_goes_on",
                "test_an_exit_while_escalated_is_tried_at_once_but_not_in_a_storm",
            ),
            "integration/daemon/test_dependencies.py": ("test_nobody_gives_up_in_two_hours_and_nobody_storms",),
            "unit/test_supervisor.py": ("test_more_than_intensity_restarts_in_the_period_end_the_supervisor",),
        },
    ),
    5: Rule(
        "verify, else undo",
        {
            "unit/test_incident_owner_verification.py": (
                "test_three_good_probes_of_the_new_incarnation_verify_the_fix",
                "test_the_deadline_fails_a_fix_without_success",
            ),
            "unit/test_act_gate_undo.py": ("test_what_did_not_help_is_taken_back_before_the_next_fix_starts",),
            "unit/test_infrastructure_recovery.py": ("test_when_a_later_step_fails_the_earlier_ones_are_taken_back",),
        },
        differs=True,
    ),
    6: Rule(
        "counters belong to one life of a service; a start has its grace until it is ready",
        {
            "unit/test_incident_owner_verification.py": (
                "test_probes_from_before_the_act_do_not_count",
                "test_the_life_that_was_about_to_fail_proves_nothing",
            ),
            "unit/test_act_gate_books.py": ("test_an_act_names_the_life_that_it_was_meant_for",),
            "integration/daemon/test_releases.py": (
                "test_a_release_that_needs_longer_than_ever_to_open_its_port_may_do_so",
            ),
        },
    ),
    7: Rule(
        "acts can be repeated without harm: intent before, outcome after, look before doing again",
        {
            "integration/test_crash_sweep.py": (
                "test_the_daemon_dies_at_two_hundred_instants_and_everything_is_healed_once",
            ),
            "unit/test_runner.py": ("test_hands_wait_for_the_disk_and_work_in_lanes",),
            "unit/test_infrastructure_recovery.py": ("test_what_an_earlier_life_of_ours_did_is_not_done_again",),
        },
    ),
    8: Rule(
        "exactly one actor",
        {
            "integration/test_daemon_stop.py": (
                "test_a_second_daemon_on_the_same_state_folder_goes_away_and_says_why",
            ),
            "unit/test_lease.py": (
                "test_never_two_may_act_whatever_the_network_does",
                "test_tokens_rise_with_every_holder",
            ),
            "unit/test_act_gate_windows.py": ("test_without_the_lease_nothing_starts_and_with_it_what_waited_does",),
            "integration/test_lease_postgres.py": (
                "test_of_two_daemons_one_acts_and_the_other_takes_over_when_it_stops",
            ),
        },
        differs=True,
    ),
    9: Rule(
        "two people for what cannot be undone; a yes holds for one plan, one life, a short time",
        {
            "unit/test_act_gate_people.py": (
                "test_two_people_have_to_agree_where_there_are_two",
                "test_a_single_person_confirms_after_a_minute_by_typing",
                "test_a_word_holds_for_exactly_what_was_asked",
                "test_a_late_yes_starts_nothing_and_asks_afresh_while_the_fault_stands",
            ),
            "unit/test_act_gate_consent_properties.py": (
                "test_no_history_of_words_makes_an_act_that_nobody_agreed_to",
            ),
            "integration/daemon/test_presses.py": ("test_no_press_makes_an_act_twice_or_a_word_untrue",),
        },
    ),
    10: Rule(
        "a switch outside of the daemon, windows for people, and what people stopped stays stopped",
        {
            "integration/test_command_line.py": (
                "test_the_pause_file_is_a_switch_from_outside",
                "test_a_pause_outlives_the_daemon",
                "test_what_an_operator_stopped_stays_stopped_over_a_restart",
            ),
            "unit/test_act_gate_windows.py": (
                "test_nothing_acts_on_what_people_work_on_and_it_is_healed_when_they_are_done",
            ),
        },
        differs=True,
    ),
    11: Rule(
        "least privilege; whoever proposes chooses from a closed catalogue",
        {
            "unit/test_act_gate.py": ("test_what_is_not_known_is_refused",),
            "unit/test_infrastructure_recovery.py": ("test_a_step_that_is_not_offered_any_more_fails_the_act",),
            "integration/test_no_secret_leaves.py": (
                "test_no_planted_token_is_found_in_state_log_page_stream_or_report",
            ),
        },
        differs=True,
    ),
    12: Rule(
        "the cure is no worse than the disease; what was just changed is suspected first",
        {
            "unit/test_choice.py": ("test_a_cheaper_fix_and_a_safer_one_come_first_among_equals",),
            "integration/daemon/test_releases.py": (
                "test_a_release_that_fails_from_its_first_second_is_back_within_seven",
            ),
            "integration/daemon/test_dependencies.py": ("test_what_passes_by_itself_within_seconds_is_waited_for",),
        },
    ),
    13: Rule(
        "autonomy grows by evidence and is lost again",
        {
            "unit/test_act_gate.py": ("test_risky_fixes_earn_their_autonomy_and_lose_it_with_one_failure",),
            "unit/test_act_gate_edges.py": ("test_ten_successes_without_a_failure_earn_trust_and_nine_do_not",),
            "unit/test_act_gate_planned.py": (
                "test_drills_alone_never_earn_trust_and_three_real_successes_with_them_do",
            ),
        },
        differs=True,
    ),
    14: Rule(
        "learn what cured, not what was lucky",
        {"unit/test_act_gate.py": ("test_luck_earns_no_trust",)},
        differs=True,
    ),
    15: Rule(
        "the watcher is watched, also from outside, by an incident that really went through",
        {
            "integration/test_signs_of_life.py": (
                "test_a_process_whose_loop_freezes_ends_and_leaves_its_stacks",
                "test_systemd_is_told_over_its_socket_and_asked_how_often",
                "test_the_address_is_called_while_all_is_well_and_left_alone_otherwise",
            ),
            "integration/daemon/test_drill.py": (
                "test_it_goes_from_the_symptom_to_the_verdict_every_five_minutes",
                "test_whoever_does_nothing_on_the_way_is_found",
            ),
        },
    ),
    16: Rule(
        "every wait has a deadline, every task an owner, and the loop's lag is known",
        {
            "integration/daemon/test_failing_agents.py": (
                "test_a_hanging_handling_is_given_up_after_its_deadline",
            ),
            "integration/daemon/test_own_agents.py": ("test_an_agent_that_fell_silent_is_healed",),
            "unit/test_loop_lag.py": ("test_a_blocked_loop_lags_to_within_one_period",),
        },
    ),
    17: Rule(
        "healing works with every helper down, and none of them is called in vain for ever",
        {
            "unit/test_notifier_people.py": ("test_what_is_urgent_and_seen_by_nobody_goes_the_second_way_once",),
            "integration/telegram/test_messenger_troubles.py": (
                "test_an_outage_of_a_minute_loses_nothing_and_keeps_the_order",
            ),
            "unit/test_render_client.py": (
                "test_while_render_is_down_calls_fail_at_once_and_it_is_asked_now_and_then",
                "test_acts_find_calls_left_when_watching_has_used_up_its_share",
            ),
            "integration/test_promql.py": ("test_a_server_that_is_gone_is_left_alone_after_three_failures",),
            "unit/test_lease.py": (
                "test_who_cannot_reach_the_store_stops_acting_before_anybody_else_may_and_says_so",
            ),
        },
        differs=True,
    ),
    18: Rule(
        "a fault on purpose has its way back on disk first, an end of its own, and no trouble beside it",
        {
            "unit/test_chaos_controller.py": (
                "test_the_way_back_is_on_disk_before_the_fault_is_in",
                "test_a_fault_is_undone_when_its_time_is_over",
                "test_a_breach_of_the_error_budget_ends_every_fault",
                "test_an_undo_that_does_not_show_in_the_world_is_no_undo",
                "test_what_a_killed_daemon_left_behind_is_undone_at_the_next_start",
            ),
            "unit/test_act_gate_planned.py": ("test_no_fault_is_made_where_there_is_trouble_already",),
        },
        differs=True,
    ),
    19: Rule(
        "a rollback pins the world: nothing deploys over it unseen",
        {
            "integration/daemon/test_on_render.py": (
                "test_a_bad_deploy_is_named_and_rolled_back_and_stays_so_after_the_next_push",
            ),
            "unit/test_service_monitor_lives.py": ("test_our_own_rollback_is_no_news_and_the_next_deploy_is",),
        },
        differs=True,
    ),
    20: Rule("no training on data that fail their checks; the way back is one pointer", differs=True),
    21: Rule(
        "silence is a message: a daily word that all is well",
        {
            "unit/test_notifier_messages.py": ("test_the_digest_comes_once_a_day_and_not_on_the_first",),
            "unit/test_digest_of_ourselves.py": (
                "test_the_digest_says_that_the_last_drill_passed_and_how_many_did",
            ),
        },
    ),
}  # fmt: skip


@cache
def known_in(file: str) -> dict[str, list[str]]:
    """Each test of a file with its decorators."""
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {
        node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def named() -> Iterator[tuple[int, str, str]]:
    for number, rule in RULES.items():
        for file, tests in rule.kept_by.items():
            for test in tests:
                yield number, file, test


def test_every_rule_is_kept_by_a_test_or_answered() -> None:
    assert list(RULES) == list(range(1, 22))
    assert [number for number, rule in RULES.items() if not (rule.kept_by or rule.differs)] == []


@pytest.mark.parametrize(("number", "file", "test"), [*named()])
def test_each_test_that_keeps_a_rule_is_there_and_runs(number: int, file: str, test: str) -> None:
    assert test in known_in(file), f"rule {number}, {RULES[number].says}: {file} has no {test} any more"
    off = [
        decorator
        for decorator in known_in(file)[test]
        if re.match(r"pytest\.mark\.(skip|xfail|soak)", decorator)
    ]
    assert off == []


def test_the_page_of_critiques_answers_exactly_the_rules_that_are_not_wholly_kept() -> None:
    text = (ROOT / "docs/critiques.md").read_text().split("## Rules from experience with such systems")[1]
    answers = {
        int(n): answer for n, answer in re.findall(r"^\| (\d+), [^|]+\|([^|]+)\|$", text, re.MULTILINE)
    }
    assert list(answers) == [number for number, rule in RULES.items() if rule.differs]
    assert [number for number, answer in answers.items() if len(answer.split()) < 5] == []


@pytest.mark.parametrize("target", ["", "*", "all", "s0,s1", "s*"])
def test_a_choice_without_a_target_or_for_everything_is_refused(target: str) -> None:
    gate = Gate()
    assert limit(gate.ask(target)) == "unknown"
