"""Makes docs/images/dashboard.png: the page of a real daemon on the example fleet, while a service cannot boot."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from examples import fleet as layout
from scripts.breaker import Fleet
from scripts.demo import free_ports

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs/images/dashboard.png"
SERVICES = ("shop", "pricing", "worker")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--window-size=1280,900", "--timeout=3000",
)  # fmt: skip
SEE_IT_S = 6.0
STEADY_S = 2.0
STOP_S = 28.0


def main() -> int:
    """0: the picture was made; 1: it was not, the reason stands on stderr."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print(f"needs a browser: none of {', '.join(BROWSERS)} is installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="nightwarden-picture-") as name:
        folder = Path(name)
        *ports, partner_port, page_port = free_ports(len(SERVICES) + 2)
        fleet = Fleet(folder, folder / "state", dict(zip(SERVICES, ports, strict=True)), partner_port)
        config = layout.build(folder, fleet.ports, f"http://127.0.0.1:{partner_port}/")
        fleet.partner.up()
        with _daemon(config, fleet.state, page_port):
            if not _break_and_heal(fleet):
                print("the fleet did not get well", file=sys.stderr)
                return 1
            fleet.partner.down()
            fleet.signal("worker", signal.SIGKILL)
            time.sleep(SEE_IT_S)
            return _take(browser, f"http://127.0.0.1:{page_port}/", folder)


@contextlib.contextmanager
def _daemon(config: Path, state: Path, port: int) -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "scripts.nightwarden",
        "run",
        "--config",
        str(config),
        "--state",
        str(state),
    ]
    daemon = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(STOP_S)


def _break_and_heal(fleet: Fleet) -> bool:
    """A few faults that are over when the picture is taken, so that there is a past to show."""
    faults: tuple[Callable[[], None], ...] = (
        lambda: fleet.signal("pricing", signal.SIGSTOP),
        lambda: fleet.point_release("v2"),
        fleet.corrupt_state,
    )
    for fault in faults:
        if not fleet.steady(STEADY_S):
            return False
        fault()
        time.sleep(STEADY_S)
    return fleet.steady(STEADY_S)


def _take(browser: str, url: str, folder: Path) -> int:
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder / "page.png"
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    subprocess.run(
        [browser, *BROWSER_OPTIONS, f"--user-data-dir={folder / 'browser'}", f"--screenshot={fresh}", url],
        check=True, timeout=60, env={**os.environ, **home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.copyfile(fresh, PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size >> 10} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
