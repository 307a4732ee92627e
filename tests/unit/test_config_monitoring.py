import json
from pathlib import Path
from typing import Any

import pytest

from config.monitoring import ModelSpec, MonitoringConfig, is_of_models, load_monitoring, parse_monitoring
from config.problems import ConfigError
from scripts import check

SHIPPED = Path(__file__).parents[2] / "config/monitoring_config.json"
LOANS: dict[str, Any] = {"name": "loans", "task": "classification", "data": "loans.csv", "target": "bad"}


def read(*models: Any, environ: dict[str, str] | None = None, **more: Any) -> MonitoringConfig:
    return parse_monitoring(json.dumps({"models": models, **more}).encode(), "m.json", environ or {})


def problems(*models: Any, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(*models, **more)
    return list(caught.value.problems)


def test_a_model_needs_a_name_a_task_a_table_and_a_target() -> None:
    assert read(LOANS).models == (
        ModelSpec(name="loans", task="classification", data="loans.csv", target="bad"),
    )
    assert problems({}) == [
        f"m.json: $.models[0].{key}: missing" for key in ("name", "task", "data", "target")
    ]


def test_the_shipped_configuration_is_valid_and_names_the_tables_of_the_generators() -> None:
    config = load_monitoring(SHIPPED, {})
    assert config.tables == ("data/raw/credit_risk.csv", "data/raw/housing.csv")
    assert config.model().name == "credit"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"task": "ranking"},
            '$.models[0].task: must be one of "classification", "regression", not "ranking"',
        ),
        ({"name": "Loans!"}, "$.models[0].name"),
        ({"held_out": 1}, "$.models[0].held_out: must be less than 1, not 1"),
        ({"held_out": 0}, "$.models[0].held_out: must be positive, not 0"),
        ({"keep_versions": 1}, "$.models[0].keep_versions: must be at least 2, not 1"),
        ({"tagret": "x"}, '$.models[0].tagret: unknown key; did you mean "target"?'),
        ({"data": " "}, "$.models[0].data: names no file"),
        ({"features": ["a", "bad"]}, "$.models[0].features[1]: is the target 'bad'"),
        ({"slices": ["bad"]}, "$.models[0].slices[0]: is the target 'bad'"),
        ({"ignored": ["a", "a"]}, "$.models[0].ignored[1]: 'a' stands here twice"),
        ({"features": ["a"], "ignored": ["a"]}, "$.models[0].features[0]: 'a' is ignored too"),
        ({"features": ["t"], "time_column": "t"}, "$.models[0].features[0]: 't' is time_column too"),
        ({"time_column": "bad"}, "$.models[0].time_column: is the target 'bad'"),
    ],
)
def test_each_mistake_in_a_model_is_told_with_its_path(change: dict[str, Any], problem: str) -> None:
    [line] = problems({**LOANS, **change})
    assert line.startswith(f"m.json: {problem}")


def test_names_are_unique_and_the_default_is_one_of_them() -> None:
    lines = problems(LOANS, LOANS, default_model="loan")
    assert lines == [
        "m.json: $.models[0].name: 'loans' is used twice",
        "m.json: $.models[1].name: 'loans' is used twice",
        "m.json: $.default_model: no model is named 'loan'; did you mean \"loans\"?",
    ]


@pytest.mark.parametrize(
    "text", ["", "{", '{"models": [}', '{"models": {}, "models": []}', '{"watch": {"interval_s": 0}}']
)
def test_what_is_no_configuration_is_told_and_never_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=str(path)):
        load_monitoring(path, {})
    with pytest.raises(ConfigError, match="no such file"):
        load_monitoring(tmp_path / "none.json", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_monitoring(tmp_path, {})


def test_a_model_is_found_by_its_name_else_the_default_else_the_first() -> None:
    homes = {**LOANS, "name": "homes"}
    assert read(LOANS, homes).model().name == "loans"
    assert read(LOANS, homes, default_model="homes").model().name == "homes"
    assert read(LOANS, homes, default_model="homes").model("loans").name == "loans"
    with pytest.raises(ConfigError, match="no model named 'cars' is configured; known: loans, homes"):
        read(LOANS, homes).model("cars")
    with pytest.raises(ConfigError, match="known: none"):
        read().model()


def test_each_table_is_named_once() -> None:
    assert read(LOANS, {**LOANS, "name": "b"}, data=["x.csv", "loans.csv"]).tables == ("loans.csv", "x.csv")


def test_the_environment_comes_before_the_file_and_silence_does_not() -> None:
    own = {"interval_s": 10, "lookback_h": 2}
    assert (
        read(watch=own, environ={"MONITORING_INTERVAL": "60", "MONITORING_LOOKBACK": " "}).watch.interval_s
        == 60
    )
    silent = read(watch=own, environ={"MONITORING_INTERVAL": "", "MONITORING_LOOKBACK": "48"}).watch
    assert (silent.interval_s, silent.lookback_h) == (10, 48)
    with pytest.raises(ConfigError, match="MONITORING_INTERVAL"):
        read(environ={"MONITORING_INTERVAL": "soon"})


def test_the_two_configurations_are_told_apart_by_their_keys() -> None:
    assert all(map(is_of_models, ({"models": []}, {"watch": {}}, {"default_model": 1})))
    assert not any(map(is_of_models, ({"services": [], "models": []}, {}, {"service": []}, [], None)))


def test_check_takes_either_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "any-name.json"
    path.write_text(json.dumps({"models": [LOANS]}))
    assert check.main(path) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"note: {path}: loans.csv: no such file here now",
        f"{path}: valid, 1 model",
    ]
    path.write_text(json.dumps({"models": [{**LOANS, "task": "x"}]}))
    assert check.main(path) == 2
    assert "$.models[0].task" in capsys.readouterr().err
