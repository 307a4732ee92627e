import json
import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from agents.gate.limits import LIMITS
from agents.terms import CauseName
from config import learning, model, monitoring, on_llm, on_model, on_render
from config.fixes import load_fixes
from config.secret import SECRET_NAMES
from config.settings import Settings
from dashboard.openapi import document
from scripts import make_events_page
from scripts.nightwarden import parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([
    *DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "state/README.md", ROOT / "deploy/README.md",
    *(ROOT / ".github").rglob("*.md"),
])  # fmt: skip
CODE = [path for path in ROOT.rglob("*.py") if not {".venv", "build"} & set(path.relative_to(ROOT).parts)]
PRODUCT = [path for path in CODE if path.relative_to(ROOT).parts[0] not in {"tests", "benchmarks"}]
SECTIONS: dict[str, type[Struct]] = {
    "top level": model.Config,
    "service": model.Service,
    "platform: process": model.ProcessPlatform,
    "platform: exec": model.ExecPlatform,
    "platform: http": model.HttpPlatform,
    "platform: model": on_model.ModelPlatform,
    "platform: render": on_render.RenderPlatform,
    "probe: http": model.HttpProbe,
    "probe: tcp": model.TcpProbe,
    "probe: exec": model.ExecProbe,
    "probe: postgres": model.PostgresProbe,
    "probe: heartbeat": model.HeartbeatProbe,
    "metrics: prometheus": model.PrometheusMetrics,
    "metrics: promql": model.PromqlMetrics,
    "metrics: render": on_render.RenderMetrics,
    "scale": on_render.Scale,
    "render": on_render.Render,
    "release": model.Release,
    "files": model.WatchedFile,
    "database": model.Database,
    "limits": model.Limits,
    "stop": model.Stop,
    "model_validation": model.ModelValidation,
    "drift_detection": model.DriftDetection,
    "service_recovery": model.ServiceRecovery,
    "maintenance": model.Maintenance,
    "approvals": model.Approvals,
    "approver": model.Approver,
    "notify": model.Notify,
    "llm": on_llm.Llm,
    "learning": learning.Learning,
    "windows": model.Windows,
    "chaos": model.Chaos,
    "link": model.Link,
}
SECTIONS_OF_MODELS: dict[str, type[Struct]] = {
    "top level": monitoring.MonitoringConfig,
    "model": monitoring.ModelSpec,
    "watch": monitoring.Watch,
    "repair": monitoring.Repair,
    "drift": monitoring.Drift,
    "serving": monitoring.Serving,
}
FILLED_IN = {"interval_s": "`SELF_HEALING_INTERVAL`", "timeout_s": "the interval, at most 5"}


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one."""
    [found] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(text: str) -> dict[str, list[str]]:
    """The tables, by their first column without its code marks; several names there are several rows."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for name in re.findall(r"`([^`]+)`", cells[0] if cells else ""):
            found[name] = cells[1:]
    return found


# --- configuration ---------------------------------------------------------------------------------------------------


def default_of(field: Any) -> str:
    if field.default is NODEFAULT and field.default_factory is NODEFAULT:
        return "required"
    default = field.default if field.default is not NODEFAULT else field.default_factory()
    if isinstance(default, Struct):
        return "below"
    if field.name in FILLED_IN and default == 0.0:
        return FILLED_IN[field.name]
    return f"`{json.dumps(default)}`"


@pytest.mark.parametrize(
    ("name", "title", "kind"),
    [
        *(("configuration.md", title, kind) for title, kind in SECTIONS.items()),
        *(("model-configuration.md", title, kind) for title, kind in SECTIONS_OF_MODELS.items()),
    ],
)
def test_every_key_of_the_configuration_is_described_with_its_default(
    name: str, title: str, kind: type[Struct]
) -> None:
    described = rows(section(page(name), title))
    wanted = {field.encode_name: default_of(field) for field in fields(kind)}
    assert {name: cells[0] for name, cells in described.items()} == wanted


def _types_below(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
        for hint in typing.get_type_hints(kind).values():
            yield from _types_below(hint)
    elif isinstance(kind, types.UnionType) or get_args(kind):
        for part in get_args(kind):
            yield from _types_below(part)


def test_every_type_of_the_configuration_has_a_section() -> None:
    assert set(_types_below(model.Config)) == set(SECTIONS.values())
    assert set(_types_below(monitoring.MonitoringConfig)) == set(SECTIONS_OF_MODELS.values())


def test_every_environment_variable_is_described_with_its_default() -> None:
    described = rows(section(page("configuration.md"), "Environment"))
    defaults = {field.name.upper(): field.default for field in fields(Settings)}
    assert defaults.keys() <= described.keys()
    for name, default in defaults.items():
        shown = described[name][0].strip("`")
        plain = isinstance(default, str | bool | int | float)
        wanted = (
            str(default).lower()
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else str(default)
        )
        assert shown == (wanted if plain else ""), name


def test_what_is_marked_as_used_later_is_not_used_yet_and_the_rest_is() -> None:
    described = rows(section(page("configuration.md"), "Environment"))
    code = "\n".join(path.read_text() for path in PRODUCT if path.parent.name not in {"config", "examples"})
    used = {name for name in described if re.search(rf"settings\.{name.lower()}\b", code)}
    used |= {"SELF_HEALING_INTERVAL", "MONITORING_INTERVAL", "MONITORING_LOOKBACK"}  # by the loaders
    used |= {"CHAOS_ENABLED", "CHAOS_IN_PRODUCTION"}  # by config/chaos.py
    later = {name for name, cells in described.items() if cells[1].startswith("later")}
    settings = {field.name.upper() for field in fields(Settings)}
    assert later == settings - used


def test_every_environment_variable_that_the_code_reads_is_described() -> None:
    text = section(page("configuration.md"), "Environment")
    read = {name for path in PRODUCT if path.parent.name != "examples"
            for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text())}  # fmt: skip
    assert len(read) >= 3
    assert {name for name in read | SECRET_NAMES if f"`{name}`" not in text} == set()


# --- causes, fixes, limits, events -----------------------------------------------------------------------------------


def test_every_cause_fix_and_limit_is_described_and_nothing_else() -> None:
    text = page("fixes.md")
    assert set(rows(section(text, "Causes"))) == set(get_args(CauseName))
    assert {name: cells[1] for name, cells in rows(section(text, "Fixes")).items()} == {
        fix.name: ", ".join(f"`{need}`" for need in fix.needs if need != "process") for fix in load_fixes().values()
    }  # fmt: skip
    final = {limit.name: "yes" if limit.final else "no" for limit in LIMITS}
    described = rows(section(text, "Limits"))
    assert {name: cells[1] for name, cells in described.items()} == final
    assert list(described) == [limit.name for limit in LIMITS]


def test_the_page_of_events_is_as_the_code_has_them() -> None:
    assert page("events.md") == make_events_page.page(), "run: make docs"


def test_every_event_has_one_emitter_and_somebody_who_listens() -> None:
    members = make_events_page.every_agent()
    for name in make_events_page.known():
        said = make_events_page.emitters(name, members)
        assert len(said) == 1 or name == "FixApplied", f"{name} is said by {said}"
    unheard = {name for name in make_events_page.known() if not make_events_page.consumers(name, members)}
    reports = {"FaultInjected", "FaultReverted"}  # no healer may know of a drill
    assert unheard == reports | {"HourEnded"}  # which its emitter folds, and nobody else needs


def test_the_diagram_shows_each_fact_of_the_chain() -> None:
    diagram = page("architecture.md").split("```mermaid")[1].split("```")[0]
    assert {name for name in make_events_page.known() if name not in diagram} == set()


# --- commands and addresses ------------------------------------------------------------------------------------------


@cache
def cli_parsers() -> dict[str, Any]:
    [commands] = [action for action in parser()._actions if action.choices]
    return dict(typing.cast("dict[str, Any]", commands.choices))


def cli_commands() -> set[str]:
    return set(cli_parsers())


@cache
def script_options() -> set[str]:
    """Those of the task scripts, which have parsers of their own."""
    texts = [path.read_text() for path in (*(ROOT / "scripts").glob("*.py"), ROOT / "mlops/entry.py")]
    return {option for text in texts for option in re.findall(r"\.add_argument\(\s*\"(--[a-z-]+)\"", text)}


def make_targets() -> set[str]:
    [line] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(line.split())


def blocks(text: str) -> str:
    """What is shown as code: fenced, indented or in line."""
    indented = re.findall(r"^    .*$", text, re.MULTILINE)
    return "\n".join([*re.findall(r"```.*?```", text, re.DOTALL), *indented, *re.findall(r"`[^`\n]+`", text)])


def test_every_command_is_described() -> None:
    text = page("operations.md")
    assert {name for name in cli_commands() if f"nightwarden {name}" not in text} == set()


def test_every_http_address_is_described() -> None:
    text = page("operations.md")
    described = {
        path
        for path in document()["paths"]
        if f"`{path}`" in text or f"`{path.replace('{id}', 'ID')}`" in text
    }
    assert set(document()["paths"]) == described


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_on_a_page_exist(path: Path) -> None:
    code = blocks(path.read_text()).replace("nightwarden in hand", "")
    assert set(re.findall(r"(?<![\w/.-])make ([a-z][\w-]*)", code)) <= make_targets()
    assert set(re.findall(r"(?<![\w./-])nightwarden ([a-z]+)\b(?!:)", code)) <= cli_commands()
    options = {
        option
        for sub in cli_parsers().values()
        for action in sub._actions
        for option in action.option_strings
    }
    for line in re.findall(r"nightwarden (?:[a-z]+) [^`\n#]*", code):
        assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= options, line
    assert set(re.findall(r"`(--[a-z-]+)", path.read_text())) <= options | script_options()
    modules = re.findall(r"python3? -m ((?:scripts|config|examples)[\w.]*)", code)
    assert [name for name in modules if not (ROOT / (name.replace(".", "/") + ".py")).exists()] == []


def test_every_make_target_is_described() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / "README.md").read_text()
    assert {name for name in make_targets() if f"make {name}" not in text} == set()


# --- links and house rules -------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(there), f"{path.name} links to {target}"


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        ahead += [
            (path.parent / target.partition("#")[0]).resolve()
            for target in re.findall(r"\]\(([^)\s:]+)\)", path.read_text())
        ]
    unreached = [
        str(path.relative_to(ROOT))
        for path in PAGES
        if path.resolve() not in seen and ".github" not in path.parts
    ]
    assert unreached == []


def test_modules_open_with_what_they_are_for() -> None:
    silent = [
        path
        for path in PRODUCT
        if path.read_text().strip() and not path.read_text().startswith(('"""', "#!"))
    ]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in PRODUCT}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 110


def may_have_a_long_function(text: str) -> bool:
    """Cheaply: whether any head stands more than 50 lines before the next that is indented no deeper, or the end."""
    found = re.finditer(r"^( *)(?:async )?def ", text, re.MULTILINE)
    heads = [(len(head[1]), text.count("\n", 0, head.start())) for head in found]
    end = text.count("\n")
    return any(
        next((at for depth, at in heads[n + 1 :] if depth <= indent), end) - begin > 50
        for n, (indent, begin) in enumerate(heads)
    )


def test_functions_are_short() -> None:
    import ast

    long = {}
    for text, path in ((path.read_text(), path) for path in CODE):
        if not may_have_a_long_function(text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > 50:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = length
    assert long == {}


def test_nothing_names_a_machine_or_leaves_work_undone() -> None:
    bad = re.compile(r"/(?:home|work|root|Users)/\w|\b(?:TODO|FIXME|XXX)\b|pypi\.org|file://" + r"/opt")
    here = Path(__file__)
    texts = [*PAGES, *(path for path in CODE if path != here), ROOT / "Makefile", ROOT / "pyproject.toml",
             ROOT / "render.yaml", *(ROOT / "config").glob("*.json")]  # fmt: skip
    found = {
        f"{path.relative_to(ROOT)}: {hit[0]}" for path in texts for hit in bad.finditer(path.read_text())
    }
    assert found == set()
