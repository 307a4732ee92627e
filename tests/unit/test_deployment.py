import configparser
import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.secret import SECRET_NAMES
from dashboard.feed.fed_view import FedView
from dashboard.feed.requests import Requests
from dashboard.figures import Figures, Readings
from scripts.nightwarden import parser
from tests.fixtures.blueprint_lint import REACHED, lint
from tests.fixtures.compose_lint import is_one_shot, stages
from tests.fixtures.compose_lint import lint as lint_compose

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data"))
BLUEPRINTS = [ROOT / "render.yaml", *sorted((ROOT / "deploy").glob("render-*.yaml"))]
Spoil = Callable[[dict[str, Any], dict[str, Any]], object]


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


# --- Render ----------------------------------------------------------------------------------------------------------


def test_there_is_a_blueprint_for_each_shape() -> None:
    shapes = {path.name: [service["type"] for service in read(path)["services"]] for path in BLUEPRINTS}
    assert shapes == {
        "render.yaml": ["web", "worker"],
        "render-pserv.yaml": ["pserv"],
        "render-web.yaml": ["web"],
    }


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.name)
def test_a_blueprint_follows_the_schema_of_render(path: Path) -> None:
    schema = DATA / "render/blueprint.schema.json"
    if not schema.exists():
        pytest.skip(f"no copy of the schema at {schema}; NIGHTWARDEN_BENCH_DATA says where")
    rs = pytest.importorskip("jsonschema_rs", reason="it comes with the extra dev")
    validator = rs.validator_for(json.loads(schema.read_text()))
    assert [error.message for error in validator.iter_errors(read(path))] == []


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.name)
def test_a_blueprint_passes_our_own_lint(path: Path) -> None:
    assert lint(read(path)) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda web, worker: worker.update(healthCheckPath="/"), "nobody can use its healthCheckPath"),
        (lambda web, worker: worker["envVars"].append({"key": "PORT", "value": "80"}), "needs no PORT"),
        (lambda web, worker: worker.update(plan="free"), "there is no free worker"),
        (lambda web, worker: worker.update(numInstances=2), "a disk belongs to one"),
        (lambda web, worker: worker.update(scaling={}), "a disk belongs to one"),
        (lambda web, worker: worker.update(maxShutdownDelaySeconds=5), "up to 30 s to stop"),
        (lambda web, worker: worker.pop("disk"), "two daemons act"),
        (lambda web, worker: worker.update(startCommand="nightwarden dashboard"), "nobody can reach this dashboard"),
        (lambda web, worker: worker.update(startCommand="nightwarden runs"), "no command of ours"),
        (lambda web, worker: worker["envVars"][-1].update(value="https://x"), "HEARTBEAT_URL is a secret"),
        (lambda web, worker: worker.update(region="frankfurt"), "in another region"),
        (lambda web, worker: web.update(healthCheckPath="/ready"), "depends on nothing outside"),
        (lambda web, worker: web.update(numInstances=2), "one instance"),
        (lambda web, worker: web.update(plan="free"), "cannot be reached"),
        (lambda web, worker: web.update(name="other"), "not in this blueprint"),
        (lambda web, worker: web["envVars"][1].update(value="10000"), "reserved"),
        (lambda web, worker: web["envVars"].pop(), "which has none"),
        (lambda web, worker: web.update(name="nightwarden"), "the same name"),
    ],
)  # fmt: skip
def test_the_lint_finds_what_it_is_for(spoil: Spoil, said: str) -> None:
    blueprint = copy.deepcopy(read(ROOT / "render.yaml"))
    spoil(*blueprint["services"])
    assert any(said in line for line in lint(blueprint)), lint(blueprint)


def test_a_worker_that_is_scraped_or_a_private_service_with_a_health_check_is_found() -> None:
    blueprint = copy.deepcopy(read(ROOT / "render.yaml"))
    link = {"type": "worker", "name": "nightwarden", "property": "hostport"}
    blueprint["services"][0]["envVars"].append({"key": "TARGET", "fromService": link})
    assert any("cannot be reached over the private network" in line for line in lint(blueprint))
    private = read(ROOT / "deploy/render-pserv.yaml")
    private["services"][0]["healthCheckPath"] = "/health"
    assert any("only a web service" in line for line in lint(private))


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.name)
def test_the_state_on_render_lies_on_the_disk(path: Path) -> None:
    [daemon] = [s for s in read(path)["services"] if s["startCommand"] == "nightwarden run"]
    # commands start in src, the state folder is ./state
    assert daemon["disk"]["mountPath"].endswith("/src/state")


def test_the_worker_finds_its_dashboard_by_its_private_address_and_has_its_token() -> None:
    _, worker = read(ROOT / "render.yaml")["services"]
    links = {variable["key"]: variable.get("fromService") for variable in worker["envVars"]}
    there = {"type": "web", "name": "nightwarden-dashboard"}
    assert links["NIGHTWARDEN_DASHBOARD_URL"] == {**there, "property": "hostport"}
    assert links["NIGHTWARDEN_TOKEN"] == {**there, "envVarKey": "NIGHTWARDEN_TOKEN"}


def test_the_procfile_starts_what_render_starts() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    started = {s["type"]: s["startCommand"] for s in read(ROOT / "render.yaml")["services"]}
    assert lines["worker"] == started["worker"]
    assert lines["web"].startswith(started["web"])
    for line in lines.values():
        parser().parse_args(line.split()[1:])


# --- containers ------------------------------------------------------------------------------------------------------


def dockerfile() -> dict[str, list[str]]:
    """What the stage of the daemon says, the last one: it is what docker build makes."""
    name, said = list(stages((ROOT / "Dockerfile").read_text()).items())[-1]
    assert name == "daemon"
    return said


def test_the_image_runs_the_daemon_itself_and_not_as_root() -> None:
    said = dockerfile()
    assert said["USER"] == ["nightwarden"]
    words = json.loads(said["ENTRYPOINT"][0]) + json.loads(said["CMD"][0])  # no shell between us and SIGTERM
    assert words[0] == "nightwarden"
    args = parser().parse_args(words[1:])
    assert (args.command, args.listen) == ("run", "0.0.0.0:8080")
    assert said["EXPOSE"] == ["8080"]
    assert "http://127.0.0.1:8080/health" in said["HEALTHCHECK"][0]
    assert said["VOLUME"] == [str(args.state)]


def test_every_stage_finds_what_it_copies_and_ends_as_no_root() -> None:
    built = stages((ROOT / "Dockerfile").read_text())
    copied = {line.split()[0] for said in built.values() for line in said.get("COPY", ())}
    assert {each for each in copied if not each.startswith("--from=") and not (ROOT / each).exists()} == set()
    assert {name: said["USER"][-1] for name, said in built.items() if "ENTRYPOINT" in said} == dict.fromkeys(
        ("models", "airflow", "mlflow", "daemon"), "nightwarden"
    )
    for said in built.values():
        assert all("--require-hashes -r requirements/" in line or "--no-deps -e ." in line
                   for line in said.get("RUN", ()) if "pip install" in line)  # fmt: skip


def test_the_image_has_all_that_the_package_needs_and_no_state_of_ours() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".env", "state/*"} <= set(left_out)
    pyproject = (ROOT / "pyproject.toml").read_text()
    for name in (*re.findall(r'^    "(\w+)(?:\.\w+)*",$', pyproject, re.MULTILINE), "README.md", "LICENSE"):
        assert name not in left_out


def test_compose_starts_the_image_as_it_wants_to_be_started() -> None:
    compose = read(ROOT / "docker-compose.yml")
    daemon = compose["services"]["nightwarden"]
    assert "command" not in daemon
    assert int(daemon["stop_grace_period"].rstrip("s")) >= 40
    assert daemon["restart"] == "unless-stopped"
    assert daemon["ports"] == ["127.0.0.1:${NIGHTWARDEN_PORT:-8080}:8080"]  # Airflow has 8080 beside it
    mounts = [volume.split(":")[1] for volume in daemon["volumes"]]
    args = parser().parse_args(json.loads(dockerfile()["CMD"][0]))
    assert mounts == [str(args.config), str(args.state)]
    assert all(
        port.startswith("127.0.0.1:") for s in compose["services"].values() for port in s.get("ports", ())
    )
    assert [name for name, s in compose["services"].items() if not s.get("profiles")] == ["nightwarden"]
    named = {v.split(":")[0] for s in compose["services"].values() for v in s["volumes"] if v[0] not in "./"}
    assert named == set(compose["volumes"])
    text = (ROOT / "docker-compose.yml").read_text()
    assert [name for name in SECRET_NAMES if name in text] == []


def test_the_profile_of_models_has_what_it_says_at_its_ports() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    ours = {name: s for name, s in services.items() if s.get("profiles") == ["models"]}
    assert {name: s["ports"] for name, s in ours.items() if "ports" in s} == {
        "api": ["127.0.0.1:8000:8000"],
        "mlflow": ["127.0.0.1:5000:5000"],
        "airflow": ["127.0.0.1:8080:8080"],
    }
    assert {name for name, s in ours.items() if is_one_shot(s)} == {"data", "trainer", "bootstrap"}
    assert {name: set(s["depends_on"]) for name, s in ours.items() if "depends_on" in s} == {
        "trainer": {"data", "mlflow"},
        "bootstrap": {"trainer"},
        "api": {"trainer"},
        "monitoring": {"bootstrap"},
        "airflow": {"bootstrap", "mlflow"},
    }
    shared = [
        {v.split(":")[0] for v in ours[name]["volumes"]}
        for name in ("api", "trainer", "monitoring", "airflow")
    ]
    assert {"data", "models", "monitoring", "alerts", "triggers"} <= set.intersection(*shared)


def test_the_profile_of_models_passes_our_own_lint() -> None:
    assert lint_compose(read(ROOT / "docker-compose.yml"), "models", ROOT) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: s["api"].pop("healthcheck"), "api: nobody sees that it is ill"),
        (lambda s: s["api"].pop("restart"), "api: nobody starts it again"),
        (lambda s: s["trainer"].update(healthcheck={}), "trainer: who runs once has no health"),
        (lambda s: s["api"].update(ports=["8000:8000"]), "api: port 8000:8000 is open to other machines"),
        (lambda s: s["api"].update(ports=["127.0.0.1:8001:8001"]), "api: its health check asks port 8000"),
        (lambda s: s["mlflow"].update(ports=["127.0.0.1:5001:5001"]), "trainer: nobody answers at http://mlflow:5000"),
        (lambda s: s["mlflow"].update(ports=["127.0.0.1:8000:5000"]), "127.0.0.1:8000 is"),
        (lambda s: s["airflow"].pop("read_only"), "airflow: read_only is not True"),
        (lambda s: s["data"].pop("cap_drop"), "data: cap_drop is not"),
        (lambda s: s["api"]["command"].append("--shiny"), "api: serve_model.py knows no --shiny"),
        (lambda s: s["api"].update(command=["/opt/nightwarden/scripts/serve.py"]), "api: there is no scripts/serve.py"),
        (lambda s: s["api"].update(command="python x"), "api: a command in one text"),
        (lambda s: s["airflow"]["build"].update(target="wind"), "airflow: the Dockerfile has no stage wind"),
        (lambda s: s["api"]["depends_on"].update(redis={"condition": "service_healthy"}), "api: needs redis"),
        (lambda s: s["api"].update(depends_on={"trainer": {"condition": "service_started"}}), "api: waits for trainer by"),
        (lambda s: s["api"]["volumes"].append("cache:/cache"), "api: the volume cache is not declared"),
        (lambda s: s["mlflow"].pop("volumes"), "the volume mlflow is used by nobody"),
    ],
)  # fmt: skip
def test_the_lint_of_compose_finds_what_it_is_for(
    spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    compose = copy.deepcopy(read(ROOT / "docker-compose.yml"))
    spoil(compose["services"])
    found = lint_compose(compose, "models", ROOT)
    assert any(said in line for line in found), found


def test_mlflow_answers_to_the_name_by_which_the_others_call_it() -> None:
    words = json.loads(stages((ROOT / "Dockerfile").read_text())["mlflow"]["CMD"][0])
    allowed = words[words.index("--allowed-hosts") + 1].split(",")
    asked = read(ROOT / "docker-compose.yml")["services"]["trainer"]["environment"]["MLFLOW_TRACKING_URI"]
    assert asked.removeprefix("http://") in allowed
    assert "localhost:5000" in allowed  # for people
    skinny = re.search(r"^mlflow-skinny==(\S+)", (ROOT / "requirements/mlops.lock").read_text(), re.MULTILINE)
    assert skinny is not None
    assert f"\nmlflow=={skinny[1]} " in (ROOT / "requirements/mlflow-server.lock").read_text()


# --- Prometheus ------------------------------------------------------------------------------------------------------


def test_what_is_alerted_on_is_what_we_show() -> None:
    shown = {family.name for family in Figures().families([], [], Readings())}
    shown |= {family.name for family in FedView(Requests()).families()}
    used = set(re.findall(r"\bnightwarden_\w+", (ROOT / "deploy/prometheus/alerts.yml").read_text()))
    assert len(used) >= 5
    assert used <= shown


def test_every_alert_is_tried_both_ways() -> None:
    rules = read(ROOT / "deploy/prometheus/alerts.yml")["groups"][0]["rules"]
    tried: dict[str, set[bool]] = {}
    for test in read(ROOT / "deploy/prometheus/alerts_test.yml")["tests"]:
        for case in test["alert_rule_test"]:
            tried.setdefault(case["alertname"], set()).add(bool(case.get("exp_alerts")))
    assert tried == {rule["alert"]: {True, False} for rule in rules}


def test_only_what_can_be_reached_is_scraped() -> None:
    [job] = read(ROOT / "deploy/prometheus/prometheus.yml")["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    [scraped] = read(ROOT / "deploy/render-pserv.yaml")["services"]
    port = next(variable["value"] for variable in scraped["envVars"] if variable["key"] == "PORT")
    assert target == f"{scraped['name']}:{port}"
    assert scraped["type"] in REACHED


# --- systemd ---------------------------------------------------------------------------------------------------------


def test_systemd_never_gives_the_daemon_up_and_leaves_its_services_to_it() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd tells capitals apart
    unit.read(ROOT / "deploy/nightwarden.service")
    wanted = {
        "Type": "notify", "NotifyAccess": "main", "WatchdogSec": "60", "Restart": "always", "RestartSec": "1",
        "KillMode": "process", "TimeoutStopSec": "40",
    }  # fmt: skip
    assert {name: unit["Service"].get(name) for name in wanted} == wanted
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert not any(name.startswith("RestartPrevent") for name in unit["Service"])
    parser().parse_args(unit["Service"]["ExecStart"].split()[1:])
