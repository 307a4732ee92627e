"""A look says what the log shows, writes it for people and programs, and remembers what it cost."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mlops.errors import BadInputError
from mlops.monitoring.look import look
from mlops.monitoring.result import MonitoringResult, retraining_wanted
from mlops.monitoring.sample import Pair
from mlops.monitoring.writing import write_outputs
from mlops.places import Places
from tests.fixtures.monitored import CONFIG, CREDIT, DAY, HOUR, HOUSING, NOW, label, labels_of, log, reference


def no_evidently(_samples: list[Pair], path: Path) -> str:
    path.write_text("half a page")
    return "there is no Evidently here"


def seen(places: Places, now: float = NOW, *, full: bool | None = None) -> MonitoringResult:
    return look(CREDIT, CONFIG, places, now, full=full, maker=no_evidently)


def alert(places: Places) -> dict[str, object]:
    return dict(json.loads(places.drift_alert.read_text()))


def test_without_drift_the_alert_says_so(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 1000)
    result = seen(places)
    assert (result.verdict, result.drift_detected, result.drift_score) == ("no_drift", False, 0.0)
    said = alert(places)
    assert (said["drift_detected"], said["drift_score"], said["model"]) == (False, 0.0, "credit")
    assert said["timestamp"] == result.timestamp and result.timestamp.endswith("Z")


def test_a_drifted_feature_is_named_and_scored(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 1000, shift=0.6)
    result = seen(places)
    assert (result.verdict, result.drifted) == ("drift", ("income",))
    assert result.drift_score == pytest.approx(1 / 3)
    assert alert(places)["features"] == ["income"]
    assert result.proxies.prediction_shift == "no_drift"  # answers hang on the score alone


def test_few_predictions_are_not_enough_and_it_is_told_how_many_are(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 20)
    result = seen(places)
    assert (result.verdict, result.drift_detected) == ("not_enough_data", False)
    assert result.needed is not None and 150 < result.needed < 300
    assert alert(places)["needed"] == result.needed


def test_no_prediction_at_all_is_not_enough_data(tmp_path: Path) -> None:
    result = seen(reference(tmp_path))
    assert (result.verdict, result.window.rows, result.proxies.confidence) == ("not_enough_data", 0, None)


@pytest.mark.parametrize(
    ("shift", "threshold", "wanted"), [(0.6, 0.5, False), (0.6, 0.3, True), (0.0, 0.0, False)]
)
def test_retraining_wants_the_verdict_and_the_score(
    tmp_path: Path, shift: float, threshold: float, wanted: bool
) -> None:
    places = reference(tmp_path)
    log(places, 600, shift=shift)
    assert retraining_wanted(seen(places), threshold) is wanted


def test_a_score_without_the_verdict_wants_nothing(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 600, shift=0.6)
    unsure = msgspec.structs.replace(seen(places), verdict="not_enough_data", drift_score=0.9)
    assert retraining_wanted(unsure, 0.5) is False


def test_without_a_reference_it_is_said_how_to_freeze_one(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"scripts/bootstrap_reference\.py"):
        seen(Places(tmp_path))


def test_only_the_lookback_counts(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 500, shift=3.0, until=NOW - DAY)
    log(places, 500)
    assert (seen(places).verdict, seen(places).window.rows) == ("no_drift", 500)


# --- what a look remembers ---


def test_looks_share_one_budget_and_a_new_reference_begins_anew(tmp_path: Path) -> None:
    places = reference(tmp_path)
    hourly = 0.1 / 720
    for hour in range(3):
        log(places, 100, until=NOW + hour * HOUR, hours=1.0, seed=hour)
        result = seen(places, NOW + hour * HOUR)
    assert (result.budget.looks, result.budget.spent) == (3, pytest.approx(3 * hourly))
    assert seen(places, NOW + 2 * HOUR + 1).budget.spent == result.budget.spent  # the same window once more
    reference(tmp_path, seed=9)
    assert seen(places, NOW + 2 * HOUR + 2).budget.looks == 1


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version":1,"checksum":"0","data":{}}'])
def test_a_damaged_state_is_rebuilt_from_the_last_result_and_told(tmp_path: Path, damage: bytes) -> None:
    places = reference(tmp_path)
    log(places, 300)
    before = seen(places)
    places.look_state("credit").write_bytes(damage)
    after = seen(places, NOW + HOUR)
    assert after.budget.looks == before.budget.looks + 1
    assert "rebuilt from monitoring_credit_" in " ".join(after.notes)


def test_a_full_report_comes_first_and_then_every_six_hours(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 300)
    hours = (0, 1, 5, 6, 7, 11, 12, 13)
    assert [hour for hour in hours if seen(places, NOW + hour * HOUR).full_report] == [0, 6, 12]


def test_the_beginning_of_a_drift_makes_a_page_and_each_look_names_the_newest(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 400, until=NOW - HOUR)
    pages = [seen(places, NOW).report]
    log(places, 400, until=NOW + HOUR, hours=1.0, shift=1.0, seed=5)
    pages += [seen(places, NOW + hour * HOUR).report for hour in (1, 2, 3)]
    assert pages[0] != pages[1] and pages[1:] == [pages[1]] * 3 and pages[1] is not None
    assert "income" in (tmp_path / pages[1]).read_text()


def test_a_bounded_number_of_files_is_kept_and_none_of_another_model(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 300)
    places.results.mkdir(parents=True)
    other = places.results / "monitoring_credit_two_20200101T000000000Z.json"
    other.write_text("{}")
    for hour in range(7):
        seen(places, NOW + hour * HOUR, full=True)
    ours = sorted(path.name for path in places.results.glob("monitoring_credit_2*.json"))
    assert len(ours) == CONFIG.drift.keep_results and other.exists()
    newest = msgspec.json.decode((places.results / ours[-1]).read_bytes(), type=MonitoringResult)
    assert newest.budget.looks == 7
    assert len(list(places.drift_reports.glob("drift_report_*.html"))) == CONFIG.drift.keep_reports


# --- for people and workflows ---


def test_where_evidently_fails_our_own_page_says_so(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 400, shift=0.6)
    result = seen(places)
    assert result.report is not None and result.report.startswith(
        "monitoring/reports/drift_reports/drift_report_"
    )
    page = (tmp_path / result.report).read_text()
    assert "there is no Evidently here" in page and "income" in page and "<svg" in page
    assert not [word for word in ("http://", "https://", "<script") if word in page]
    assert list(places.drift_reports.glob("*.part")) == []


def test_a_workflow_gets_its_step_outputs(tmp_path: Path) -> None:
    places = reference(tmp_path)
    log(places, 600, shift=0.6)
    output = tmp_path / "github_output"
    output.write_text("accuracy=0.9\n")
    write_outputs(output, seen(places))
    assert output.read_text().splitlines() == [
        "accuracy=0.9", "drift_detected=true", "drift_score=0.333333", "drift_verdict=drift",
    ]  # fmt: skip


def test_the_alert_keeps_what_was_said_of_other_models(tmp_path: Path) -> None:
    places = reference(tmp_path)
    reference(tmp_path, HOUSING)
    log(places, 600, shift=0.6)
    log(places, 600, spec=HOUSING)
    seen(places)
    look(HOUSING, CONFIG, places, NOW, maker=no_evidently)
    said = json.loads(places.drift_alert.read_text())
    assert (said["model"], said["drift_detected"]) == ("housing", False)
    assert said["models"]["credit"]["drift_detected"] is True


# --- proxies and the estimate ---


def test_proxies_tell_what_can_be_told_and_name_the_rest(tmp_path: Path) -> None:
    places = reference(tmp_path)
    made = log(places, 480)
    found = seen(places).proxies
    positive = [each for each in made if each.prediction == 1]
    assert found.positive_share == len(positive) / 480
    assert found.rows_per_hour == 20.0
    confidence = np.mean([max(each.probability or 0, 1 - (each.probability or 0)) for each in made])
    assert found.confidence == pytest.approx(confidence)
    assert set(found.not_known) == {"error_rate", "latency_ms"}


def test_the_estimate_before_labels_holds_the_truth(tmp_path: Path) -> None:
    places = reference(tmp_path)
    made = log(places, 2000)
    estimated = seen(places).estimated
    truth = np.mean([each.prediction == value for each, value in zip(made, labels_of(made), strict=True)])
    assert estimated.accuracy_low is not None and estimated.accuracy_high is not None
    assert estimated.accuracy_low < truth < estimated.accuracy_high
    assert (estimated.method, estimated.calibration) == ("cbpe", "unchecked")


@pytest.mark.parametrize(("turned", "calibration"), [(False, "holds"), (True, "off")])
def test_labels_show_whether_the_probabilities_can_be_believed(
    tmp_path: Path, turned: bool, calibration: str
) -> None:
    places = reference(tmp_path)
    made = log(places, 1000)
    labels = [1 - value if turned else value for value in labels_of(made)]
    label(places, made, labels, [NOW] * 1000)
    assert seen(places, full=True).estimated.calibration == calibration
    assert seen(places, NOW + 60, full=False).estimated.calibration == calibration


def test_a_regression_has_no_estimate_and_says_why(tmp_path: Path) -> None:
    places = reference(tmp_path, HOUSING)
    log(places, 300, spec=HOUSING)
    result = look(HOUSING, CONFIG, places, NOW, maker=no_evidently)
    assert (result.estimated.method, result.estimated.accuracy) == ("not_known", None)
    assert "labels" in result.estimated.reason
    assert result.proxies.prediction_mean is not None
