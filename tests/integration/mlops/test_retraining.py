import json
from pathlib import Path

import numpy as np
import pytest

from mlops.retraining import resume, retrain
from mlops.retraining.log import read_log
from mlops.retraining.record import path_of
from mlops.tables import write_table
from mlops.tables.table import make_table
from tests.fixtures.retraining_world import NOW, SPEC, World, drift_settings, drifted
from utils.disk import OsDisk


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    found.begin()
    return found


def events(world: World) -> list[str]:
    return [event["event"] for event in read_log(OsDisk(), world.places)["events"]]


def test_a_model_without_traffic_is_judged_on_rows_that_neither_saw_and_told_so(world: World) -> None:
    report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, world.registry.champion()) == ("watching", 2)
    assert report.run is not None
    assert report.run.verdict is not None
    assert report.run.evidence == "held_out"
    assert report.run.verdict.samples == 800
    promoted = read_log(OsDisk(), world.places)["events"][-1]
    assert "held-out rows that neither model saw" in promoted["reason"]


def test_a_served_model_waits_for_matured_labels_of_the_shadow_and_is_promoted_by_them(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.begin(concept=1.2)
    world.serve(50, 3, 1.2)
    report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, world.registry.challenger()) == ("waiting", 2)
    assert "200 more needed" in report.says
    world.serve(150, 4, 1.2)
    again = resume(SPEC, world.desk)
    assert again is not None
    assert (again.status, world.registry.champion()) == ("waiting", 1)
    world.serve(2000, 5, 1.2)
    done = resume(SPEC, world.desk)
    assert done is not None
    assert (done.status, world.registry.champion()) == ("watching", 2), done.says
    assert "on served requests" in read_log(OsDisk(), world.places)["events"][-1]["reason"]


def test_a_promotion_that_serves_worse_than_the_champion_before_is_rolled_back(world: World) -> None:
    assert retrain(SPEC, 0.85, world.desk).status == "watching"
    world.serve(800, 6, concept=4.0)  # what was learnt is the wrong way round now
    report = resume(SPEC, world.desk)
    assert report is not None
    assert (report.status, world.registry.champion()) == ("rolled_back", 1)
    [entry] = json.loads(world.places.rollback_log.read_text())
    assert (entry["from_version"], entry["to_version"]) == (2, 1)
    assert entry["current_metric"] < entry["threshold"]
    assert events(world)[-1] == "rolled_back"


def test_a_good_promotion_is_kept_and_its_watch_ends(world: World) -> None:
    retrain(SPEC, 0.85, world.desk)
    world.serve(2100, 7)
    report = resume(SPEC, world.desk)
    assert report is not None
    assert (report.status, world.registry.champion()) == ("kept", 2)
    assert resume(SPEC, world.desk) is None


def test_a_challenger_that_is_no_better_is_rejected_and_leaves_the_shadow(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.begin(rows=30_000, concept=0.0)
    report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, world.registry.champion(), world.registry.challenger()) == ("rejected", 1, None)
    assert report.exit_code == 1
    assert "gain" in report.says


def test_who_asks_again_hears_how_the_retraining_ended_and_not_of_the_cool_down(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.begin(concept=1.2)
    world.serve(50, 3, 1.2)
    assert retrain(SPEC, 0.85, world.desk).status == "waiting"
    world.serve(1000, 5, concept=-2.0)  # what was learnt is the wrong way round now
    report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, report.exit_code, world.registry.champion()) == ("rejected", 1, 1), report.says
    assert retrain(SPEC, 0.85, world.desk).status == "cooling_down"


def test_a_score_that_is_not_above_the_threshold_trains_nothing(world: World) -> None:
    report = retrain(SPEC, 0.5, world.desk)
    assert (report.status, report.exit_code) == ("not_needed", 0)
    assert "0.5 is not above drift_threshold 0.5" in report.says
    assert world.registry.versions() == (1,)


def test_the_cool_down_holds_for_a_day_and_force_skips_it(world: World) -> None:
    retrain(SPEC, 0.85, world.desk)
    write_table(drifted(4000, 9), world.places.root / SPEC.data)
    world.clock.at = NOW + 23 * 3600
    assert retrain(SPEC, 0.85, world.desk).status == "watching"
    assert world.registry.versions() == (1, 2)
    assert retrain(SPEC, 0.85, world.desk, force=True).run is not None
    assert world.registry.versions() == (1, 2, 3)


def test_a_log_that_somebody_else_wrote_starts_the_cool_down_too(world: World) -> None:
    world.places.retraining_log.parent.mkdir(parents=True)
    world.places.retraining_log.write_text('{"last_retrain_time": "2027-01-15T07:00:00Z", "events": []}')
    assert retrain(SPEC, 0.85, world.desk).status == "cooling_down"


def test_without_consent_nothing_is_trained(tmp_path: Path) -> None:
    world = World(tmp_path, drift=drift_settings(auto_retrain_enabled=False))
    world.begin()
    report = retrain(SPEC, 0.85, world.desk, force=True)
    assert (report.status, report.exit_code) == ("blocked", 1)
    assert "auto_retrain_enabled" in report.says


def test_a_table_that_the_champion_was_trained_on_is_not_trained_on_again(world: World) -> None:
    retrain(SPEC, 0.85, world.desk)
    world.clock.at += 15 * 86_400
    report = retrain(SPEC, 0.85, world.desk)
    assert report.status == "blocked"
    assert "nothing new is to be learnt" in report.says


def test_only_new_rows_judge_where_the_table_has_grown(world: World) -> None:
    retrain(SPEC, 0.85, world.desk)
    world.clock.at += 15 * 86_400
    old, new = drifted(4000, 2), drifted(2000, 8, concept=0.0)
    write_table(
        make_table({n: np.r_[old.column(n), new.column(n)] for n in old.names}), world.places.root / SPEC.data
    )
    report = retrain(SPEC, 0.85, world.desk)
    assert report.run is not None
    assert report.run.verdict is not None
    assert report.run.verdict.samples == 400


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("few", "at least 200 are needed"),
        ("one_class", "only one class"),
        ("no_target", "default"),
        ("no_feature", "'income', which the champion was trained on, is missing"),
        ("holes", "'income': 50% of its cells are missing"),
        ("empty", "credit.csv"),
    ],
)
def test_a_window_that_fails_its_checks_blocks_and_says_why(world: World, damage: str, told: str) -> None:
    path = world.places.root / SPEC.data
    lines = path.read_text().splitlines()
    head, rows = lines[0], [line.split(",") for line in lines[1:]]
    names = head.split(",")
    if damage == "few":
        rows = rows[:50]
    if damage == "one_class":
        rows = [row for row in rows if float(row[names.index("default")]) == 0]
    if damage in {"no_target", "no_feature"}:
        lost = names.index("default" if damage == "no_target" else "income")
        names, rows = names[:lost] + names[lost + 1 :], [row[:lost] + row[lost + 1 :] for row in rows]
    if damage == "holes":
        for row in rows[::2]:
            row[names.index("income")] = "n/a"
    path.write_text("" if damage == "empty" else "\n".join(map(",".join, [names, *rows])) + "\n")
    report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, report.exit_code) == ("blocked", 1)
    assert told in report.says
    assert world.registry.versions() == (1,)
    assert events(world)[-1] == "blocked"
    assert "trained" not in events(world)


def test_two_retrainings_of_one_model_do_not_run_at_once(world: World) -> None:
    from mlops.retraining.retrain import _alone

    with _alone(path_of(world.places, "credit").with_suffix(".lock")):
        report = retrain(SPEC, 0.85, world.desk)
    assert (report.status, report.exit_code) == ("blocked", 1)
    assert "another process" in report.says


def test_labels_that_never_come_end_the_wait_after_thirty_days(world: World) -> None:
    world.serve(50, 3)
    retrain(SPEC, 0.85, world.desk)
    world.clock.at += 31 * 86_400
    report = resume(SPEC, world.desk)
    assert report is not None
    assert (report.status, world.registry.challenger()) == ("rejected", None)


def test_a_promotion_by_a_person_meanwhile_ends_the_retraining(world: World) -> None:
    world.serve(50, 3)
    retrain(SPEC, 0.85, world.desk)
    world.registry.promote(2, "by hand")
    report = resume(SPEC, world.desk)
    assert report is not None
    assert report.status == "superseded"
    assert world.registry.champion() == 2


def test_the_log_is_bounded_and_its_newest_event_is_last(world: World) -> None:
    from mlops.retraining.log import KEPT, log_event

    for count in range(KEPT + 5):
        log_event(
            OsDisk(), world.places, {"timestamp": "2027-01-01T00:00:00Z", "event": "blocked", "n": count}
        )
    found = json.loads(world.places.retraining_log.read_text())
    assert len(found["events"]) == KEPT
    assert found["events"][-1]["n"] == KEPT + 4
