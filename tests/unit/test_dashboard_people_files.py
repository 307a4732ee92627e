from pathlib import Path
from typing import Any

import msgspec

from dashboard.people_files import PeopleFiles, contents
from tests.fixtures.dashboard_view import FixtureView
from tests.fixtures.dashboard_world import service, small_world
from tests.fixtures.simulated_disk import SimulatedDisk
from utils.state_files import write_document

NAMES = [
    "self_healing_state",
    "agent_status",
    "failure_predictions",
    "maintenance_schedule",
    "anomaly_detections",
    "rca_knowledge_base",
    "rca_reports",
    "fix_history",
    "fix_success_rates",
    "recovery_strategies",
    "backups",
    "metrics",
    "traces",
]


class Disk:
    def __init__(self) -> None:
        self.files: dict[str, Any] = {}
        self.broken = ""

    async def write(self, path: Path, data: Any, saved_at: str) -> None:
        if path.stem == self.broken:
            raise OSError(28, "No space left on device")
        disk = SimulatedDisk(0)
        disk.mkdir(path.parent)
        write_document(disk, path, data, saved_at)
        self.files[path.name] = msgspec.json.decode(disk.read(path))


def files_of(view: FixtureView, disk: Disk) -> PeopleFiles:
    return PeopleFiles(view, Path("state"), disk.write, lambda: "2026-01-01T00:00:00.000Z")


async def test_every_file_holds_version_time_and_data() -> None:
    disk = Disk()
    assert await files_of(small_world(1e9), disk).write_changed() == NAMES
    assert set(disk.files) == {f"{name}.json" for name in NAMES}
    for document in disk.files.values():
        assert set(document) == {"version", "saved_at", "data"}
        assert document["data"]
    assert disk.files["fix_history.json"]["data"][0]["fix"] == "kill_restart"
    assert disk.files["self_healing_state.json"]["data"]["open_incidents"][0]["id"] == "i000"
    assert len(disk.files["rca_reports.json"]["data"]) == 250


async def test_only_what_changed_is_written_again() -> None:
    view, disk = small_world(1e9), Disk()
    files = files_of(view, disk)
    await files.write_changed()
    assert await files.write_changed() == []
    view.anomaly_list = []
    view.service_list[0] = service("pricing", "healthy", view.now, cpu_percent=99.0, rss_mib=31.2)
    assert await files.write_changed() == ["anomaly_detections"]


async def test_a_file_that_cannot_be_written_is_tried_again_and_holds_up_no_other() -> None:
    disk = Disk()
    disk.broken = "metrics"
    files = files_of(small_world(1e9), disk)
    assert "metrics" not in await files.write_changed()
    assert "traces.json" in disk.files
    disk.broken = ""
    assert await files.write_changed() == ["metrics"]


def test_no_file_is_faked_for_what_does_not_exist_yet() -> None:
    assert [name for name, _ in contents(small_world(1e9))] == NAMES
