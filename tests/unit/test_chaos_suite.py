"""The chaos suite's scoring: what counts as found, located, named and healed, and what counts against the daemon."""

import json
import os
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from agents.terms import CauseName
from config.loader import load
from scripts import chaos_test_suite
from scripts.chaos import report
from scripts.chaos.catalogue import every, stages
from scripts.chaos.cell import Cell, newest_pid, send
from scripts.chaos.households import pair, write
from scripts.chaos.models import LIFE
from scripts.chaos.scenario import Scenario
from scripts.chaos.stage import ROLES
from scripts.chaos.verdict import judge, skipped

AT = 1_800_000_000.0
SERVICES = {f"c01-{role}": role for role in ROLES}
FAULT = Scenario(
    name="frozen",
    family="hung",
    fault="SIGSTOP",
    build=pair,
    culprit="pricing",
    causes=("hang",),
    spared=("shop",),
)
CALM = Scenario(name="steady", family="calm", fault="nothing", build=pair)
LINE = {"injected_at": AT, "healed_at": AT + 3.0, "start_s": 1.0, "ended_at": AT + 20, "told": {}}


def incident(
    role: str = "pricing", cause: str = "hang", culprit: str = "pricing", fix: str = "kill_restart", after_s: float = 0.5,
    status: str = "closed", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    named = {"name": cause, "service": f"c01-{culprit}", "confidence": 0.9, "evidence": []}
    opened = datetime.fromtimestamp(AT + after_s, UTC).isoformat().replace("+00:00", "Z")
    acts = [{"fix": fix, "outcome": "verified", "seconds": 1.0}]
    return {"id": f"{role}{after_s}", "service": f"c01-{role}", "status": status, "opened_at": opened, "cause": named, "acts": acts} | more  # fmt: skip


def row(*incidents: dict[str, Any], scenario: Scenario = FAULT, **line: Any) -> dict[str, Any]:
    return judge(scenario, LINE | line, list(incidents), SERVICES)


def answers(found: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(found[key] for key in ("detected", "localised", "cause_right", "mitigated"))


def test_found_located_named_and_healed() -> None:
    found = row(incident())
    assert answers(found) == (True, True, True, True)
    assert (found["mttd_s"], found["mttr_s"], found["beyond_start_s"]) == (0.5, 3.0, 2.0)


def test_without_an_incident_nothing_counts_even_if_it_is_well_again() -> None:
    assert answers(row()) == (False, False, False, False)


def test_an_incident_from_before_the_fault_detects_nothing_and_its_acts_are_acts_without_a_fault() -> None:
    found = row(incident(after_s=-5.0))
    assert found["detected"] is False
    assert found["acts_without_fault"] == 1


def test_one_incident_that_blames_another_spoils_the_location() -> None:
    caller = incident("shop", "dependency_failure", "shop", "wait")
    assert answers(row(incident(), caller)) == (True, False, True, True)


def test_the_cause_is_read_from_the_culprits_own_incident() -> None:
    caller = incident("shop", "dependency_failure", "pricing", "wait", after_s=0.2)
    assert answers(row(caller, incident())) == (True, True, True, True)


def test_a_cause_that_is_not_the_truth_is_wrong() -> None:
    assert row(incident(cause="crash"))["cause_right"] is False


def test_an_act_on_who_is_to_be_spared_is_counted_and_no_mitigation() -> None:
    found = row(incident(), incident("shop", "dependency_failure", "pricing", "respawn"))
    assert (found["wrong_acts"], found["mitigated"]) == (1, False)


@pytest.mark.parametrize(
    "line", [{"healed_at": None}, {"problem": "not well again"}], ids=["never well", "a problem"]
)
def test_what_is_not_well_again_is_not_mitigated(line: dict[str, Any]) -> None:
    assert row(incident(), **line)["mitigated"] is False


def test_an_incident_that_stays_open_is_no_mitigation() -> None:
    assert row(incident(status="verifying"))["mitigated"] is False


def test_more_acts_than_there_may_be_are_no_mitigation() -> None:
    once = Scenario(
        name="x", family="x", fault="x", build=pair, culprit="pricing", causes=("hang",), most_acts=1
    )
    assert row(incident(), scenario=once)["mitigated"] is True
    assert row(incident(), incident(after_s=2.0), scenario=once)["mitigated"] is False


def test_what_cannot_be_mitigated_is_in_no_share_of_it() -> None:
    theirs = Scenario(
        name="x", family="x", fault="x", build=pair, culprit="pricing", causes=("hang",), mitigable=False
    )
    assert row(incident(), scenario=theirs)["mitigated"] is None


def test_the_clock_of_a_recovery_starts_when_it_could_begin() -> None:
    assert row(incident(), mendable_at=AT + 2.0)["mttr_s"] == 1.0


def test_what_creeps_is_timed_from_when_users_met_it() -> None:
    found = row(incident(), failed_at=AT + 2.5)
    assert (found["mttd_s"], found["mttr_s"]) == (0.5, 0.5)


def test_each_act_where_nothing_is_wrong_counts_but_waiting_is_none() -> None:
    found = row(incident(), incident(fix="wait", after_s=3.0), scenario=CALM)
    assert found["acts_without_fault"] == 1
    assert answers(found) == (None, None, None, None)


@pytest.mark.parametrize("more", [{"needed": False}, {"outcome": "dropped", "seconds": 0.0}], ids=str)
def test_an_act_that_touched_nothing_is_none(more: dict[str, Any]) -> None:
    one = incident()
    one["acts"] = [{"fix": "restart_service", "outcome": "verified", "seconds": 1.0} | more]
    assert row(one, scenario=CALM)["acts_without_fault"] == 0


def test_a_scenario_that_the_vandal_did_not_come_to_is_not_detected() -> None:
    assert answers(judge(FAULT, {"problem": "it was not well before"}, [], SERVICES)) == (False,) * 4


# --- the report ---


def test_what_was_skipped_is_in_no_share() -> None:
    rows = [row(incident()), skipped(FAULT, "no root"), row(scenario=CALM)]
    found = report.summary(rows)
    assert [found[name] for name in ("detection", "localisation", "cause", "mitigation")] == [1.0] * 4
    assert (found["faults"], found["runs_without_fault"], found["skipped"]) == (1, 1, 1)


def test_one_act_without_a_fault_misses_the_figures() -> None:
    assert report.reached(report.summary([row(incident())]))
    assert not report.reached(report.summary([row(incident()), row(incident(), scenario=CALM)]))


def test_the_report_has_its_figures_at_the_top_and_a_row_for_each_scenario(tmp_path: Path) -> None:
    rows = [row(incident()), row(scenario=CALM), skipped(CALM, "no tool"), row()]
    report.write(tmp_path, rows, 12.0)
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["detection"] == 0.5
    assert document["acts_without_fault"] == 0
    assert [each["skipped"] for each in document["scenarios"]] == [None, None, "no tool", None]
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {"tests": "4", "failures": "1", "skipped": "1"}  # fmt: skip
    html = (tmp_path / "report.html").read_text()
    assert "<polyline" in html
    assert "not detected" not in html
    assert "NO" in html


def test_names_from_outside_cannot_become_markup(tmp_path: Path) -> None:
    evil = Scenario(
        name="<script>", family="<b>", fault="<i>", build=pair, culprit="pricing", causes=("hang",)
    )
    report.write(tmp_path, [row(incident(), scenario=evil), skipped(evil, "<img>")], 1.0)
    html = (tmp_path / "report.html").read_text()
    assert not any(mark in html for mark in ("<script>", "<b><", "<i>", "<img>"))


# --- the catalogue ---


def test_names_are_unique_and_causes_are_words_of_the_vocabulary() -> None:
    names = [one.name for one in every()]
    assert len(names) == len(set(names))
    assert {cause for one in every() for cause in one.causes} <= set(get_args(CauseName))


def test_at_least_thirty_faults() -> None:
    assert sum(one.is_fault for one in every()) >= 30


def test_every_scenario_is_dealt_out_once_and_who_needs_a_daemon_has_one() -> None:
    dealt = stages(every())
    assert sorted(one.name for stage in dealt for one in stage) == sorted(one.name for one in every())
    assert all(len(stage) == 1 for stage in dealt if any(one.lone for one in stage))


@pytest.mark.parametrize(
    "scenario",
    [one for one in every() if one.stage == "cells" and one.family != LIFE],
    ids=lambda one: one.name,
)
def test_each_household_is_a_configuration_that_loads_and_has_its_culprit(
    scenario: Scenario, tmp_path: Path
) -> None:
    home = tmp_path / "c01"
    home.mkdir()
    ports = {role: 20_000 + number for number, role in enumerate(ROLES)}
    cell = Cell("c01", home, ports, tmp_path / "state", tmp_path / "config.json")
    write(cell.config, {"services": scenario.build(cell)})
    names = {service.name for service in load(cell.config, {}).services}
    for role in filter(None, (scenario.culprit, *scenario.spared)):
        assert cell.service(role) in names


@pytest.mark.parametrize("pid", [0, 1, -1])
def test_no_signal_goes_to_everybody(pid: int) -> None:
    with pytest.raises(RuntimeError, match="nobody"):
        send(pid, 0)


def test_the_pid_is_that_of_the_newest_life_and_of_nobody_who_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    assert newest_pid(log) == 0
    log.write_text(f"x INFO pricing: started, pid 7\nx INFO pricing: started, pid {os.getpid()}\n")
    assert newest_pid(log) == os.getpid()
    log.write_text("x INFO pricing: started, pid 999999999\n")
    assert newest_pid(log) == 0


def test_a_wrong_name_is_told_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        chaos_test_suite.main(["--only", "no-such"])
    assert left.value.code == 2
    assert "killed-four-times" in capsys.readouterr().err


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos_test_suite.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(every())
