import json
from pathlib import Path
from typing import Any

import pytest

from config.loader import load, parse
from config.model import Config, HttpProbe
from config.problems import ConfigError

WEB: dict[str, Any] = {"type": "http", "url": "http://127.0.0.1:1/health"}
PLATFORM: dict[str, Any] = {"type": "process", "command": ["sleep", "9"]}


def service(name: str = "shop", **more: Any) -> dict[str, Any]:
    return {"name": name, "platform": PLATFORM, **more}


def read(*services: Any, environ: dict[str, str] | None = None, **sections: Any) -> Config:
    return parse(json.dumps({"services": services, **sections}).encode(), "c.json", environ or {})


def problems(*services: Any, **sections: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(*services, **sections)
    return list(caught.value.problems)


def raw_problems(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode() if isinstance(text, str) else text, "c.json", {})
    return list(caught.value.problems)


def test_services_alone_are_a_whole_configuration() -> None:
    config = read(service(probe=WEB), service("worker", depends_on=["shop"]))
    assert [found.name for found in config.services] == ["shop", "worker"]
    assert config.service_recovery.max_recovery_attempts == 3
    assert config.services[0].stop.signal == "TERM"
    assert config.services[0].autonomy == "earned"


def test_a_probe_takes_the_interval_of_the_environment_and_at_most_five_seconds() -> None:
    def probe(environ: dict[str, str], **more: Any) -> tuple[float, float]:
        found = read(service(probe={**WEB, **more}), environ=environ).services[0].probe
        assert isinstance(found, HttpProbe)
        return found.interval_s, found.timeout_s

    assert probe({}) == (60, 5)
    assert probe({"SELF_HEALING_INTERVAL": "2.5"}) == (2.5, 2.5)
    assert probe({"SELF_HEALING_INTERVAL": "30"}, interval_s=1) == (1, 1)
    assert probe({"SELF_HEALING_INTERVAL": "30"}, timeout_s=20) == (30, 20)


def test_a_timeout_may_be_as_long_as_the_interval() -> None:
    assert read(service(probe={**WEB, "interval_s": 1, "timeout_s": 1})).services


def test_true_is_no_whole_number() -> None:
    [line] = problems(service(release={"keep": True}))
    assert line == "c.json: $.services[0].release.keep: must be a whole number, not true"


def test_signals_are_written_in_one_way() -> None:
    assert read(service(stop={"signal": "sigint"})).services[0].stop.signal == "INT"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.json", {})
    assert caught.value.problems == (f"{tmp_path}/none.json: no such file",)


def test_a_folder_instead_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '{\n  "services": [],\n}',
            "c.json:2:17: not JSON: nothing follows this comma",
        ),
        (" \n", 'c.json: the file is empty; {"services": []} would be a whole configuration'),
        ('{"services": [], // none\n}', "c.json:1:18: not JSON: JSON has no comments"),
        ('{"services": [1 2]}', "c.json:1:17: not JSON: Expecting ',' delimiter"),
        ("{}".encode("utf-16"), "c.json: not UTF-8 text at byte 0; it looks like UTF-16: save it as UTF-8"),
        ('{"windows": ' + "9" * 5000 + "}", "c.json: a number is too long"),
        (b"\xff{}", "c.json: not UTF-8 text at byte 0"),
        ("[" * 100_000, "c.json: nested too deeply"),
        ("[]", "c.json: $: must be an object, not []"),
        (
            '{"services": [], "services": []}',
            'c.json: $.services: the key "services" stands here more than once',
        ),
        ('{"windows": {"slow_probe_s": NaN}}', "c.json: $.windows.slow_probe_s: must be finite, not NaN"),
    ],
)
def test_text_that_is_no_configuration_gets_one_line_with_its_place(text: str | bytes, line: str) -> None:
    assert raw_problems(text) == [line]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"prob": WEB}, '$.services[0].prob: unknown key; did you mean "probe"?'),
        ({"probe": {**WEB, "timeout": 1}}, '$.services[0].probe.timeout: unknown key; did you mean "timeout_s"?'),
        ({"autonomy": "atuo"}, '$.services[0].autonomy: must be one of "auto", "earned", "observe", "suggest", not "atuo"'),
        ({"depends_on": "db"}, '$.services[0].depends_on: must be a list, not "db"'),
        ({"caches": [7]}, "$.services[0].caches[0]: must be text, not 7"),
        ({"limits": 7}, "$.services[0].limits: must be an object, not 7"),
        ({"limits": {"open_files": 1.5}}, "$.services[0].limits.open_files: must be a whole number, not 1.5"),
        ({"limits": {"memory_mib": True}}, "$.services[0].limits.memory_mib: must be a number, not true"),
        ({"limits": {"memory_mib": 0}}, "$.services[0].limits.memory_mib: must be positive, not 0"),
        ({"start_timeout_s": -1}, "$.services[0].start_timeout_s: must be positive, not -1"),
        ({"release": {"keep": 0}}, "$.services[0].release.keep: must be at least 1, not 0"),
        ({"files": [{}]}, "$.services[0].files[0].path: missing"),
        ({"probe": {**WEB, "interval_s": 0}}, "$.services[0].probe.interval_s: must be at least 0.01, not 0"),
        ({"probe": {**WEB, "interval_s": 1, "timeout_s": 3}}, "$.services[0].probe.timeout_s: longer than interval_s (3 > 1); make it at most 1"),
        ({"probe": {"type": "htp"}}, '$.services[0].probe.type: must be one of "http", "tcp", "exec", "heartbeat", "postgres", not "htp"; did you mean "http"?'),
        ({"probe": {"url": "http://x"}}, '$.services[0].probe.type: missing; one of "http", "tcp", "exec", "heartbeat", "postgres"'),
        ({"probe": {"type": "http", "url": "localhost:80"}}, '$.services[0].probe.url: must start with http:// or https://, not "localhost:80"'),
        ({"probe": {"type": "http", "url": "http://h:99999"}}, '$.services[0].probe.url: not a usable URL: "http://h:99999" (Port out of range 0-65535)'),
        ({"probe": {"type": "tcp", "url": "tcp://host"}}, '$.services[0].probe.url: needs a port from 1 to 65535: "tcp://host"'),
        ({"metrics": {"type": "prometheus", "url": "http:///m"}}, '$.services[0].metrics.url: not a usable URL: "http:///m" (no host, or a space in it)'),
        ({"stop": {"signal": "TREM"}}, '$.services[0].stop.signal: no such signal: "TREM"; did you mean "TERM"?'),
        ({"platform": {"type": "process", "command": []}}, "$.services[0].platform.command: must not be empty"),
        ({"platform": {"type": "process"}}, "$.services[0].platform.command: missing"),
        ({"platform": {"type": "proces", "command": ["x"]}}, '$.services[0].platform.type: must be one of "process", "exec", "http", "render", "model", not "proces"; did you mean "process"?'),
        ({"platform": {"type": "http", "url": "x"}}, '$.services[0].platform.url: must start with http:// or https://, not "x"'),
        ({"platform": {"type": "exec", "restart": ["r"], "stop": [""]}}, "$.services[0].platform.stop[0]: must not be empty"),
        ({"platform": {"type": "exec", "restart": ["r"], "identity": ["i"]}}, "$.services[0].platform.identity: is asked after status, which is not declared"),
        ({"platform": {"type": "exec"}}, '$.services[0].platform: declares no command to start, stop, restart or look at it; to watch it only, use "type": "http"'),
        ({"platform": {**PLATFORM, "env": {"A=B": ""}}}, '$.services[0].platform.env["A=B"]: not usable as an environment variable'),
        ({"platform": {**PLATFORM, "cwd": "a\0b"}}, "$.services[0].platform.cwd: must not contain a null character"),
        ({"platform": {**PLATFORM, "env": {"A": "\0"}}}, "$.services[0].platform.env.A: must not contain a null character"),
        ({"platform": {**PLATFORM, "command": [""]}}, "$.services[0].platform.command[0]: must not be empty"),
        ({"logs": ["\ud800.log"]}, '$.services[0].logs[0]: holds half of a character, which nothing can write: "\\ud800.log"'),
        ({"start_timeout_s": 10**400}, "$.services[0].start_timeout_s: must be finite, not 1000000000000000000000000000000000000..."),
        ({"platform": {**PLATFORM, "cwd": "/srv"}, "caches": ["tmp", "../tmp"]}, '$.services[0].caches[1]: must be a folder inside of /srv, not "../tmp"'),
        ({"platform": {**PLATFORM, "cwd": "/srv"}, "caches": ["/srv/tmp", "/"]}, '$.services[0].caches[1]: must be a folder inside of /srv, not "/"'),
        ({"platform": {**PLATFORM, "cwd": "/srv"}, "caches": ["tmp/.."]}, '$.services[0].caches[0]: must be a folder inside of /srv, not "tmp/.."'),
        ({"files": [{"path": "a"}, {"path": "b"}, {"path": "a", "check": "exists"}]}, '$.services[0].files[2].path: "a" is listed twice'),
        ({"maintenance": [{"start": "2:00", "end": "04:00"}]}, '$.services[0].maintenance[0].start: must be a time of day such as "02:30", not "2:00"'),
        ({"maintenance": [{"start": "02:00", "end": "02:00"}]}, "$.services[0].maintenance[0].end: the same as start (02:00): a window of no time"),
        ({"maintenance": [{"start": "02:00", "end": "04:00", "timezone": "Mars"}]}, '$.services[0].maintenance[0].timezone: no such time zone here: "Mars"; as in "Europe/Berlin"'),
        ({"metrics": {"type": "promql", "url": "http://p:9090"}}, '$.services[0].metrics.queries: needs at least one, as in {"latency_p95_s": "..."}'),
        ({"depends_on": ["shp"]}, '$.services[0].depends_on[0]: unknown dependency "shp": no service has this name; did you mean "shop"?'),
        ({"depends_on": ["shop"]}, "$.services[0].depends_on: dependency cycle: shop -> shop; nothing in it could be started first"),
    ],
)  # fmt: skip
def test_each_problem_of_a_service_is_one_clear_line(more: dict[str, Any], line: str) -> None:
    assert problems(service(**more)) == [f"c.json: {line}"]


def test_what_is_wrong_with_a_key_can_be_printed_too() -> None:
    lines = raw_problems('{"services": [], "\\ud800": 1}')
    assert lines[0] == ('c.json: $["\\ud800"]: holds half of a character, which nothing can write: "\\ud800"')
    assert all(line.encode() for line in lines)


def test_a_byte_order_mark_is_read_over() -> None:
    assert parse(b'\xef\xbb\xbf{"services": []}', "c.json", {}) == Config()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "-x", "x" * 65, "a\n", "ü"])
def test_names_that_are_unsafe_as_file_names_are_refused(name: str) -> None:
    [line] = problems(service(name))
    assert line.startswith("c.json: $.services[0].name: must be a name of at most 64 letters")


def test_a_name_given_twice_is_refused_even_if_case_differs() -> None:
    assert problems(service("shop"), service("shop"), service("Shop")) == [
        'c.json: $.services[1].name: duplicate name "shop": $.services[0] has it too',
        'c.json: $.services[2].name: duplicate name "Shop": $.services[0] has it too, but for case',
    ]


def test_a_dependency_cycle_is_named() -> None:
    ring = (service("a", depends_on=["b"]), service("b", depends_on=["c"]), service("c", depends_on=["b"]))
    assert problems(*ring) == [
        "c.json: $.services[1].depends_on: dependency cycle: b -> c -> b; nothing in it could be started first"
    ]


def test_a_dependency_listed_twice_is_told() -> None:
    assert problems(service("a"), service("b", depends_on=["a", "a"])) == [
        'c.json: $.services[1].depends_on[1]: "a" is listed twice'
    ]


def test_a_bad_environment_is_told_and_blames_no_probe() -> None:
    timeout = service(probe={**WEB, "timeout_s": 3})
    assert problems(timeout, environ={"SELF_HEALING_INTERVAL": "soon"}) == [
        "environment: SELF_HEALING_INTERVAL: must be a number of seconds, at least 0.01, not 'soon'"
    ]


def test_all_problems_are_told_at_once_and_in_order_of_the_services() -> None:
    lines = problems(
        service("a", probe={**WEB, "timeout_s": 3, "interval_s": 1}, limits={"memory_mib": "much"}),
        service("b", depends_on=["nobody"], stop={"signal": "X", "grace_s": -1}),
        service("b", files=[{"path": ""}]),
        7,
        model_validation={"min_accuracy_threshold": 70},
        windws={},
    )
    assert [line.split(": ")[1] for line in lines] == [
        "$.model_validation.min_accuracy_threshold", "$.windws",
        "$.services[0].limits.memory_mib", "$.services[0].probe.timeout_s",
        "$.services[1].stop.grace_s", "$.services[1].depends_on[0]",
        "$.services[2].files[0].path", "$.services[2].name",
        "$.services[3]",
    ]  # fmt: skip


def test_the_shipped_configuration_is_valid() -> None:
    shipped = Path(__file__).parents[2] / "config/self_healing_config.json"
    assert [found.name for found in load(shipped, {}).services] == ["pricing", "shop", "worker"]
