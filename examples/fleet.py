"""Lays out a working folder for the example fleet, with a configuration whose windows are short enough to watch.

python -m examples.fleet FOLDER             then: nightwarden run --config FOLDER/fleet.json
python -m examples.fleet FOLDER with-link   the same, with a fault proxy between shop and pricing, for experiments
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_EXAMPLES = Path(__file__).parent.resolve()
DEFAULT_PORTS = {"shop": 9001, "pricing": 9002, "worker": 9003}
LINK_PORTS = {"link": 9004, "proxied": 9005}
_RELEASES: dict[str, dict[str, Any]] = {
    "v1": {"version": "v1", "markup": 0.2},
    "v2": {"version": "v2", "markup": "25 %"},  # the bug: text where the shop calculates
}
_WINDOWS = {
    "change_suspect_s": 30,
    "predict_horizon_s": 30,
    "predict_warmup_s": 3,
    "passive_wait_s": 15,
    "slow_probe_s": 10,
}
_INTERVAL_S = 0.5
_TIMEOUT_S = 0.4
_MEMORY_MIB = 200  # a service takes about 50, so that a leak of 8 MiB/s has twenty seconds


def build(folder: Path, ports: Mapping[str, int] = DEFAULT_PORTS, partner: str = "") -> Path:
    """Make the folder and return the path of its configuration.

    `ports` names shop, pricing and worker. `partner` is the address of a service of somebody else, without which the
    worker cannot start; where there is none it needs pricing instead. With the ports link and proxied the shop reaches
    pricing through a fault proxy, whose own address is the former.
    """
    folder = folder.resolve()
    for version, settings in _RELEASES.items():
        release = folder / "releases" / version
        release.mkdir(parents=True, exist_ok=True)
        _write(release / "settings.json", settings)
    point_release(folder, "v1")
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    if not (folder / "data/shop.json").exists():
        _write(folder / "data/shop.json", {"next_id": 1, "orders": []})
    (folder / "pricing_model.json").write_bytes((_EXAMPLES / "pricing_model.json").read_bytes())
    config = folder / "fleet.json"
    document: dict[str, Any] = {"services": _services(folder, ports, partner), "windows": _WINDOWS}
    if "link" in ports:
        proxy = f"http://127.0.0.1:{ports['link']}/proxies/pricing"
        document["chaos"] = {"links": [{"service": "shop", "dependency": "pricing", "proxy": proxy}]}
    _write(config, document)
    return config


def point_release(folder: Path, version: str) -> None:
    """Put a release in use as a deployment does: a new link takes the place of the old one in one step."""
    link = folder / "releases/current"
    fresh = link.with_name(".current.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(link)


def _services(folder: Path, ports: Mapping[str, int], partner: str) -> list[dict[str, Any]]:
    address = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    pricing = _service(folder, "pricing", ports, MODEL_FILE="pricing_model.json", SLOWEST_INFERENCE_S="0.2")
    shop = _service(
        folder, "shop", ports,
        PRICING_URL=address.get("proxied", address["pricing"]), DEPENDENCY_TIMEOUT_S="0.3",
        RELEASE_LINK="releases/current", STATE_FILE="data/shop.json",
    )  # fmt: skip
    shop |= {
        "depends_on": ["pricing", "link"] if "link" in ports else ["pricing"],
        "release": {"current": "releases/current", "keep": 5},
        "files": [{"path": "data/shop.json", "check": "json", "backup_s": 1}],
    }
    worker = _service(
        folder, "worker", ports,
        SHOP_URL=address["shop"], QUEUE_FILE="data/queue.sqlite", FEED_S="0.2", STALE_S="3",
        WAIT_FOR=partner or f"{address['pricing']}/health",
    )  # fmt: skip
    worker |= {"depends_on": ["shop", "partner" if partner else "pricing"]}
    link = [_link(folder, ports)] if "link" in ports else []
    if link:  # an experiment poisons it
        pricing["files"] = [{"path": "pricing_model.json", "check": "json", "backup_s": 1}]
    return [pricing, *link, shop, worker, *([_partner(partner)] if partner else [])]


def _link(folder: Path, ports: Mapping[str, int]) -> dict[str, Any]:
    """The fault proxy is a program of Nightwarden's, which knows nothing of the fleet."""
    api = f"127.0.0.1:{ports['link']}"
    between = f"pricing=127.0.0.1:{ports['proxied']},127.0.0.1:{ports['pricing']}"
    command = [sys.executable, "-m", "platforms.chaos.proxy", "--listen", api, "--proxy", between]
    env = {"PYTHONPATH": str(_EXAMPLES.parent)}
    return {
        "name": "link",
        "platform": {"type": "process", "command": command, "cwd": str(folder), "env": env},
        "probe": {
            "type": "http",
            "url": f"http://{api}/version",
            "interval_s": _INTERVAL_S,
            "timeout_s": _TIMEOUT_S,
        },
        "stop": {"signal": "TERM", "grace_s": 2},
    }


def _partner(url: str) -> dict[str, Any]:
    """Watched, so that it is known when it is away, and never touched."""
    probe = {"type": "http", "url": url, "interval_s": _INTERVAL_S, "timeout_s": _TIMEOUT_S}
    return {"name": "partner", "platform": {"type": "http", "url": url}, "probe": probe}


def _service(folder: Path, name: str, ports: Mapping[str, int], **env: str) -> dict[str, Any]:
    address = f"http://127.0.0.1:{ports[name]}"
    log = f"logs/{name}.log"
    return {
        "name": name,
        "platform": {
            "type": "process",
            "command": [sys.executable, str(_EXAMPLES / f"{name}.py")],
            "cwd": str(folder),
            "env": {"PORT": str(ports[name]), "LOG_FILE": log, **env},
        },
        "probe": {
            "type": "http",
            "url": f"{address}/health",
            "interval_s": _INTERVAL_S,
            "timeout_s": _TIMEOUT_S,
        },
        "metrics": {"type": "prometheus", "url": f"{address}/metrics", "interval_s": 0.5},
        "logs": [log],
        "limits": {"memory_mib": _MEMORY_MIB, "open_files": 256},
        "stop": {"signal": "TERM", "grace_s": 2},
    }


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    has_link = "with-link" in sys.argv[2:]
    print(
        build(
            Path(sys.argv[1] if len(sys.argv) > 1 else "fleet"),
            DEFAULT_PORTS | (LINK_PORTS if has_link else {}),
        )
    )
