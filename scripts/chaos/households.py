"""Who lives in a cell: the example services, each in a folder of its own, as an operator would declare them."""

import json
import sys
from pathlib import Path
from typing import Any

from scripts.chaos.cell import ROOT, Cell

EXAMPLES = ROOT / "examples"
PROBE_S, TIMEOUT_S, SCRAPE_S = 1.0, 0.8, 1.0
MEMORY_MIB = 200
KEY, WRONG_KEY = "s3same-open", "not-the-key"
WINDOWS = {
    "change_suspect_s": 60,
    "predict_horizon_s": 30,
    "predict_warmup_s": 3,
    "passive_wait_s": 5,
    "slow_probe_s": 10,
}
RELEASES: dict[str, dict[str, Any]] = {
    "v1": {"version": "v1", "markup": 0.2},
    "v2": {"version": "v2", "markup": "25 %"},  # text where the shop calculates
    "v3": {"version": "v3", "markup": 0.25},  # a good one
    "v4": {"version": "v4", "markup": 0.2, "pricing_url": "http://127.0.0.1:9"},  # nobody listens there
    "v5": {"version": "v5", "markup": 0.2, "pricing_key": WRONG_KEY},
    "v6": {"version": "v6", "markup": 0.2, "delay_s": 2.0},
    "v7": {"version": "v7", "markup": 0.2, "delay_s": 0.1},  # good, and takes its time
}


def service(cell: Cell, role: str, program: str, env: dict[str, str], **more: Any) -> dict[str, Any]:
    """One example service, probed and scraped."""
    folder = cell.folder / role
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    cell.watched.append(role)
    return {
        "name": cell.service(role),
        "platform": {
            "type": "process",
            "command": [sys.executable, str(EXAMPLES / f"{program}.py")],
            "cwd": str(folder),
            "env": {"PORT": str(cell.ports[role]), "LOG_FILE": "logs/out.log", "SECRET_FAULTS": "1", **env},
        },
        "probe": {
            "type": "http",
            "url": cell.url(role, "/health"),
            "interval_s": PROBE_S,
            "timeout_s": TIMEOUT_S,
        },
        "metrics": {"type": "prometheus", "url": cell.url(role, "/metrics"), "interval_s": SCRAPE_S},
        "logs": ["logs/out.log"],
        "limits": {"memory_mib": MEMORY_MIB, "open_files": 256},
        "stop": {"signal": "TERM", "grace_s": 2},
        **more,
    }


def pricing(
    cell: Cell, role: str = "pricing", env: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """The model API, with its model in a file of its own."""
    folder = cell.folder / role
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_bytes((EXAMPLES / "pricing_model.json").read_bytes())
    base = {"MODEL_FILE": "model.json", "SLOWEST_INFERENCE_S": "0.2"}
    return service(cell, role, "pricing", base | (env or {}), **more)


def released_pricing(cell: Cell, models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Its model comes with a release."""
    good = json.loads((EXAMPLES / "pricing_model.json").read_bytes())
    for version, model in {"v1": good, **models}.items():
        release = cell.folder / "pricing/releases" / version
        release.mkdir(parents=True)
        write(release / "model.json", model)
    cell.point_release("v1", "pricing")
    return pricing(
        cell, env={"MODEL_FILE": "releases/current/model.json"}, release={"current": "releases/current"}
    )


def shop(
    cell: Cell, needs: str = "pricing", env: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """It asks `needs` for prices, keeps orders in a declared file, and has releases."""
    folder = cell.folder / "shop"
    for version, settings in RELEASES.items():
        release = folder / "releases" / version
        release.mkdir(parents=True)
        write(release / "settings.json", settings)
    cell.point_release("v1")
    (folder / "data").mkdir()
    write(folder / "data/shop.json", {"next_id": 1, "orders": []})
    base = {
        "PRICING_URL": cell.url(needs),
        "DEPENDENCY_TIMEOUT_S": "0.3",
        "RELEASE_LINK": "releases/current",
        "STATE_FILE": "data/shop.json",
    }
    declared = {
        "depends_on": [cell.service(needs)],
        "release": {"current": "releases/current", "keep": 5},
        "files": [{"path": "data/shop.json", "check": "json", "backup_s": 1}],
    }
    return service(cell, "shop", "shop", base | (env or {}), **(declared | more))


def worker(cell: Cell, env: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """It takes jobs from its queue and asks the shop."""
    base = {"SHOP_URL": cell.url("shop"), "QUEUE_FILE": "queue.sqlite", "FEED_S": "0.2", "STALE_S": "3"}
    declared = {"depends_on": [cell.service("shop")]}
    return service(cell, "worker", "worker", base | (env or {}), **(declared | more))


def elsewhere(cell: Cell, role: str, path: str = "/health", **more: Any) -> dict[str, Any]:
    """Somebody else's, or a link: watched, so that it is known when it is away, and never touched."""
    url = cell.url(role, path)
    probe = {"type": "http", "url": url, "interval_s": PROBE_S, "timeout_s": TIMEOUT_S}
    return {"name": cell.service(role), "platform": {"type": "http", "url": url}, "probe": probe, **more}


# --- households ---


def one(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell)]


def pair(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell), shop(cell)]


def chain(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell), shop(cell), worker(cell)]


def write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
