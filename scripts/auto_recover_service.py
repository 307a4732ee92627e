"""`python scripts/auto_recover_service.py`: bring a service back from outside, where no daemon watches over it."""

import argparse
import os
import shlex
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from config.loader import load
from config.model import Config, HttpProbe, Service
from mlops.entry import leave, parser
from mlops.errors import BadInputError
from mlops.places import Places
from platforms.keeping.caches import empty
from platforms.platform import PlatformError
from scripts.service_ways import Way, WayFailedError, port_of
from utils.disk import OsDisk, replace_file

CONFIG = Path("config/self_healing_config.json")
ASK_S = 2.0
GOOD_IN_A_ROW = 3
LOOK_S = 0.5
KEPT = 1000
EXAMPLES = """\
  python scripts/auto_recover_service.py --method process --service-url http://127.0.0.1:8000
  python scripts/auto_recover_service.py --method docker --container nightwarden-api-1 --service-url http://127.0.0.1:8000
  python scripts/auto_recover_service.py --method render --service-id srv-abc123 --service-url https://api.example.com

exit code: 0 healthy (again); 1 not recovered, or switched off by service_recovery.auto_recovery_enabled; 2 bad input
"""


class Attempt(Struct, frozen=True, kw_only=True):
    """One entry of monitoring/recovery_log.json."""

    timestamp: str
    service_url: str
    method: str
    attempt: int
    actions: tuple[str, ...]
    healthy: bool
    seconds: float
    error: str = ""


def main() -> int:
    arguments = _arguments()
    port_of(arguments.service_url)
    config = _config(arguments)
    places, service = Places(arguments.root.absolute()), _declared(config, arguments.service_url)
    health = arguments.service_url.rstrip("/") + arguments.health_path
    if not (problem := ask(health)) and not arguments.force:
        print(f"{health}: healthy, nothing to do")
        return 0
    if not config.service_recovery.auto_recovery_enabled and not arguments.force:
        print(f"{health}: {problem}; service_recovery.auto_recovery_enabled is off, so nothing was done")
        return 1
    print(f"{health}: {problem or 'healthy, and asked to restart it'}")
    most = arguments.attempts or config.service_recovery.max_recovery_attempts
    for number in range(1, most + 1):
        attempt = _attempt(arguments, places, service, health, number)
        append(places.recovery_log, attempt)
        told = "; ".join([*attempt.actions, *([attempt.error] if attempt.error else [])])
        print(f"attempt {number} of {most}: {told}: {'healthy' if attempt.healthy else 'not healthy'}")
        if attempt.healthy:
            return 0
        if number < most:
            time.sleep(min(2.0 ** (number - 1), arguments.wait_s))
    print(f"{health}: not recovered after {most} attempts; see {places.recovery_log}", file=sys.stderr)
    return 1


def ask(url: str) -> str:
    """What is wrong with the answer; empty: it is healthy."""
    try:
        with urllib.request.urlopen(url, timeout=ASK_S) as reply:  # noqa: S310 - main has seen that it is http
            return "" if 200 <= reply.status < 400 else f"status {reply.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def append(path: Path, attempt: Attempt) -> None:
    """To the array in the file, newest last; a file that is no array is kept beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries: list[object] = []
    if path.exists():
        try:
            entries = msgspec.json.decode(path.read_bytes(), type=list)
        except msgspec.DecodeError:
            kept = path.with_suffix(f".{int(time.time())}.corrupt")
            path.rename(kept)
            print(f"{path}: no JSON array; kept as {kept}", file=sys.stderr)
    entries = [*entries, msgspec.to_builtins(attempt)][-KEPT:]
    replace_file(OsDisk(), path, msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n")


def _attempt(
    arguments: argparse.Namespace, places: Places, service: Service | None, health: str, number: int
) -> Attempt:
    began, actions, error = time.monotonic(), [], ""
    command = shlex.split(arguments.command) if arguments.command else _serving(arguments, service)
    way = Way(
        method=arguments.method, url=arguments.service_url, command=tuple(command), cwd=places.root,
        container=arguments.container or "", service_id=arguments.service_id or "",
    )  # fmt: skip
    try:
        actions += _clear_caches(places.root, arguments.cache, service)
        actions.append(way.restart())
        healthy = _until_healthy(health, arguments.wait_s)
    except (WayFailedError, PlatformError, OSError) as failed:
        healthy, error = False, str(failed)
    return Attempt(
        timestamp=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        service_url=arguments.service_url,
        method=arguments.method,
        attempt=number,
        actions=tuple(actions),
        healthy=healthy,
        seconds=round(time.monotonic() - began, 3),
        error=error or ("" if healthy else f"not healthy within {arguments.wait_s:g} s: {ask(health)}"),
    )


def _until_healthy(health: str, wait_s: float) -> bool:
    good, ends_at = 0, time.monotonic() + wait_s
    while time.monotonic() < ends_at:
        good = 0 if ask(health) else good + 1
        if good == GOOD_IN_A_ROW:
            return True
        time.sleep(LOOK_S)
    return False


def _clear_caches(root: Path, asked: list[str], service: Service | None) -> list[str]:
    """Those that were named, and those that the service declares."""
    declared = list(service.caches) if service else []
    return [f"cleared {cache} ({empty(root, cache)} files)" for cache in dict.fromkeys([*asked, *declared])]


def _declared(config: Config, url: str) -> Service | None:
    """The service of the configuration that is probed at this address."""
    wanted = urlsplit(url)
    for service in config.services:
        if isinstance(service.probe, HttpProbe):
            found = urlsplit(service.probe.url)
            if (found.hostname, found.port) == (wanted.hostname, wanted.port):
                return service
    return None


def _serving(arguments: argparse.Namespace, service: Service | None) -> list[str]:
    """What starts it where nothing runs: its declared command, else the model API at that port."""
    declared = getattr(service.platform, "command", ()) if service else ()
    if declared:
        return list(declared)
    words = [
        "scripts/serve_model.py",
        "--port",
        str(port_of(arguments.service_url)),
        "--root",
        str(arguments.root),
    ]
    return [sys.executable, str(Path(__file__).absolute().parents[1] / words[0]), *words[1:]]


def _config(arguments: argparse.Namespace) -> Config:
    path = arguments.config if arguments.config.is_absolute() else arguments.root / arguments.config
    return load(path, os.environ) if path.exists() else Config()


def _arguments() -> argparse.Namespace:
    found = parser(
        "Restart a service, clear its caches and see that it is healthy; three attempts.", EXAMPLES
    )
    found.add_argument("--method", choices=("process", "docker", "render"), default="process")
    found.add_argument("--service-url", default="http://127.0.0.1:8000", help="default: %(default)s")
    found.add_argument("--health-path", default="/health", help="default: %(default)s")
    found.add_argument(
        "--command", help="that starts it where nothing listens; default: as declared, else the model API"
    )
    found.add_argument("--container", help="of --method docker")
    found.add_argument("--service-id", help="of --method render: srv-...")
    found.add_argument(
        "--cache",
        action="append",
        default=[],
        metavar="DIR",
        help="below the root, to be emptied; repeatable",
    )
    found.add_argument("--attempts", type=int, help="default: service_recovery.max_recovery_attempts")
    found.add_argument(
        "--wait-s", type=float, default=30.0, help="for it to be healthy; default: %(default)s"
    )
    found.add_argument(
        "--force", action="store_true", help="restart it though it is healthy, or though it is switched off"
    )
    found.add_argument("--root", type=Path, default=Path(), help="where monitoring/ lies; default: here")
    found.add_argument("--config", type=Path, default=CONFIG, help="default: %(default)s below the root")
    arguments = found.parse_args()
    if not arguments.root.is_dir():
        raise BadInputError("no such folder", where=arguments.root, do="--root names a folder that is there")
    if (arguments.attempts or 1) < 1 or arguments.wait_s <= 0:
        raise BadInputError("--attempts and --wait-s must be above 0")
    return arguments


if __name__ == "__main__":
    leave(main)
