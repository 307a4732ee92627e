import json
import pickle
import sys
from pathlib import Path

import pytest
from msgspec import structs

from config import schema
from config.check import state_problem, warnings
from config.child_path import child_path
from config.diff import Diff, diff, digest
from config.graph import dependants, dependencies, start_order
from config.loader import parse
from config.model import Config, Limits, ProcessPlatform, Service, Stop
from config.on_render import RenderPlatform
from config.problems import ConfigError
from config.secret import Secret, secret_values, without_secrets
from config.settings import load_settings


def service(name: str, *depends_on: str, stop: Stop | None = None) -> Service:
    platform = ProcessPlatform(command=("sleep", "9"))
    return Service(name=name, platform=platform, depends_on=depends_on, stop=stop or Stop())


FLEET = Config(
    services=(service("worker", "shop"), service("shop", "pricing"), service("pricing"), service("mail"))
)


def test_dependencies_start_first_and_else_as_declared() -> None:
    assert start_order(FLEET) == ("pricing", "shop", "worker", "mail")


def test_a_long_chain_needs_no_deep_stack() -> None:
    chain = Config(
        services=tuple(service(f"s{n}", *([f"s{n + 1}"] if n < 2999 else [])) for n in range(3000))
    )
    assert start_order(chain)[0] == "s2999"


def test_dependants_and_dependencies_are_transitive() -> None:
    assert dependants(FLEET, "pricing") == ("worker", "shop")
    assert dependants(FLEET, "worker") == ()
    assert dependencies(FLEET, "worker") == ("shop", "pricing")


def test_a_diff_names_what_was_added_removed_and_changed() -> None:
    changed = service("shop", "pricing", stop=Stop(grace_s=1))
    new = Config(services=(service("pricing"), changed, service("worker", "shop"), service("extra")))
    assert diff(FLEET, new) == Diff(added=("extra",), removed=("mail",), changed=("shop",))
    assert diff(FLEET, FLEET) == Diff()


def test_a_digest_depends_on_the_meaning_alone() -> None:
    one = b'{"services": [{"name": "a", "platform": {"type": "process", "command": ["x"], "env": {"A": "1", "B": "2"}}}]}'
    two = b'{"services": [{"platform": {"env": {"B": "2", "A": "1"}, "command": ["x"], "type": "process"}, "name": "a", "stop": {"signal": "SIGTERM"}}]}'
    assert digest(parse(one, "", {})) == digest(parse(two, "", {}))
    assert digest(parse(one, "", {})) != digest(parse(one.replace(b'"x"', b'"y"'), "", {}))


@pytest.mark.parametrize("path", [schema.PATH, schema.OF_MODELS], ids=lambda path: path.name)
def test_the_schema_beside_the_configuration_is_the_one_of_the_types(path: Path) -> None:
    assert path.read_text() == schema.schema_text(path), "run: python -m config.schema"


def test_the_schema_refuses_unknown_keys_and_shows_no_default_that_it_forbids() -> None:
    definitions = json.loads(schema.schema_text())["$defs"]
    assert definitions["Service"]["additionalProperties"] is False
    assert definitions["Service"]["required"] == ["name", "platform"]
    assert "default" not in definitions["HttpProbe"]["properties"]["interval_s"]


def test_what_cannot_be_diagnosed_is_said_for_each_service() -> None:
    lines = warnings(Config(services=(service("shop"),)), "c.json")
    places = [line.split(": ")[1] for line in lines]
    assert places == [f"$.services[0].{key}" for key in ("probe", "metrics", "release", "files", "limits.memory_mib", "limits.open_files")]  # fmt: skip
    assert "shop: not declared, so only exits are seen" in lines[0]


def test_what_is_declared_is_not_warned_about() -> None:
    declared = structs.replace(service("shop"), limits=Limits(memory_mib=1, open_files=1))
    assert not [line for line in warnings(Config(services=(declared,)), "c.json") if "limits" in line]


def test_an_empty_configuration_is_warned_about() -> None:
    assert warnings(Config(), "c.json") == [
        "c.json: $.services: no service is declared; nothing will be watched but what RENDER_MODE=true finds"
    ]


def test_a_program_or_folder_that_is_not_there_now_is_warned_about(tmp_path: Path) -> None:
    def places(platform: ProcessPlatform) -> str:
        lines = warnings(Config(services=(Service(name="x", platform=platform),)), "c.json")
        return "".join(line for line in lines if "platform" in line)

    assert "no such program on PATH now: nowhere-to-be-found" in places(
        ProcessPlatform(command=("nowhere-to-be-found",))
    )
    assert "no such program now: " in places(ProcessPlatform(command=("./run",), cwd=str(tmp_path)))
    assert "no such folder now: " in places(ProcessPlatform(command=("sh",), cwd=str(tmp_path / "gone")))
    assert places(ProcessPlatform(command=("sh",), cwd=str(tmp_path))) == ""


def test_a_state_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert state_problem(tmp_path / "file" / "state").endswith("cannot be written: Not a directory")
    assert state_problem(tmp_path / "new" / "state") == ""
    assert list((tmp_path / "new" / "state").iterdir()) == []


def test_settings_have_the_documented_defaults_and_empty_means_unset() -> None:
    settings = load_settings({"LOG_LEVEL": "", "CHAOS_ENABLED": " "})
    assert (settings.log_level, settings.chaos_enabled) == ("INFO", False)
    assert (settings.self_healing_interval, settings.prevention_interval, settings.ml_retrain_interval) == (
        60,
        300,
        3600,
    )
    assert (settings.monitoring_interval, settings.monitoring_lookback) == (300, 24)
    assert (
        settings.min_f1_improvement_pct,
        settings.max_brier_degradation,
        settings.min_samples_for_decision,
    ) == (2.0, 0.01, 200)


def test_settings_are_typed() -> None:
    settings = load_settings({"LOG_LEVEL": "debug", "CHAOS_ENABLED": "yes", "MIN_SAMPLES_FOR_DECISION": "7"})
    assert (settings.log_level, settings.chaos_enabled, settings.min_samples_for_decision) == (
        "DEBUG",
        True,
        7,
    )


def test_all_bad_settings_are_told_at_once_and_secrets_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({
            "LOG_LEVEL": "DEBGU", "CHAOS_ENABLED": "perhaps", "PREVENTION_INTERVAL": "0", "MONITORING_LOOKBACK": "nan",
            "MIN_SAMPLES_FOR_DECISION": "1.5", "HEARTBEAT_URL": "my-secret-address", "RENDER_API_URL": "render",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318",
        })  # fmt: skip
    assert set(caught.value.problems) == {
        "environment: LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL; did you mean \"DEBUG\"?, not 'DEBGU'",
        "environment: CHAOS_ENABLED: must be true or false, not 'perhaps'",
        "environment: PREVENTION_INTERVAL: must be a positive number of seconds, not '0'",
        "environment: MONITORING_LOOKBACK: must be a positive number of hours, not 'nan'",
        "environment: MIN_SAMPLES_FOR_DECISION: must be a positive whole number, not '1.5'",
        "environment: HEARTBEAT_URL: must be an address that starts with https:// or http://, not the value that is set",
        "environment: OTEL_EXPORTER_OTLP_ENDPOINT: must be an address that starts with https:// or http://, not 'localhost:4318'",
        "environment: RENDER_API_URL: must be an address that starts with https:// or http://, not 'render'",
    }


def test_a_secret_shows_itself_only_when_asked_by_name() -> None:
    settings = load_settings({"NIGHTWARDEN_TOKEN": "hunter2"})
    assert "hunter2" not in f"{settings} {settings!r} {settings.nightwarden_token}"
    assert settings.nightwarden_token.reveal() == "hunter2"
    assert settings.nightwarden_token == Secret("hunter2")
    with pytest.raises(TypeError):
        pickle.dumps(settings.nightwarden_token)


def test_children_inherit_no_secrets_and_logs_know_them_all() -> None:
    environ = {"PATH": "/bin", "RENDER_API_KEY": "rnd_x", "OPENAI_API_KEY": ""}
    assert without_secrets(environ) == {"PATH": "/bin"}
    assert secret_values(environ) == ("rnd_x",)


@pytest.mark.parametrize(
    ("executable", "first"), [("/app/.venv/bin/python", "/app/.venv/bin"), ("", "/usr/bin")]
)
def test_the_commands_of_our_own_virtual_environment_come_first_for_children(
    monkeypatch: pytest.MonkeyPatch, executable: str, first: str
) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "prefix", "/app/.venv" if executable else "/usr")
    monkeypatch.setattr(sys, "executable", executable or "/usr/bin/python3")
    folders = child_path({"PATH": "/usr/bin:/app/.venv/bin:/bin"}).split(":")
    assert folders[0] == first
    assert sorted(folders) == ["/app/.venv/bin", "/bin", "/usr/bin"]


def test_who_is_declared_on_render_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(services=(Service(name="shop", platform=RenderPlatform(id="srv-1")),))
    monkeypatch.delenv("RENDER_API_KEY", raising=False)
    assert [line for line in warnings(config, "c.json") if "RENDER_API_KEY is not set" in line]
    monkeypatch.setenv("RENDER_API_KEY", "rnd_x")
    assert not [line for line in warnings(config, "c.json") if "RENDER_API_KEY" in line]
