import json
import re
from pathlib import Path

from tests.fixtures.real_daemon import ROOT, RealDaemon, until


def described() -> set[str]:
    """The names in the first columns of the tables, patterns in place of what differs."""
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "state/README.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_everything_that_a_daemon_writes_is_described(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, "shop")
    try:
        daemon.start()
        until("healthy", daemon.all_healthy)
        until("files for people are there", (daemon.state / "traces.json").exists)
        written = {path.name for path in daemon.state.iterdir()}
        assert daemon.stop() == 0
    finally:
        daemon.end()
    names = described()
    folders = {name.split("/")[0] for name in names if "/" in name}
    assert {name for name in written - folders - names if not name.endswith(".tmp")} == set()
    assert {"journal", "snapshots", "logs", "run"} <= written & folders
    documents = {name for name in names if name.endswith(".json") and "/" not in name and "*" not in name}
    assert len(documents) >= 12
    assert {name for name in documents if not (daemon.state / name).exists()} == set()
    for name in documents - {"clock.json"}:
        assert {"version", "saved_at", "data"} == json.loads((daemon.state / name).read_text()).keys()
