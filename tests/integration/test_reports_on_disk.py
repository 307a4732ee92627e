"""Reports as files: written when an incident ends, read again, made anew when lost, bounded in number."""

import asyncio
from pathlib import Path

import pytest

from agents.events import IncidentClosed
from dashboard.reports.curves import Curves
from dashboard.reports.telling import Report, report_of
from scripts import reports as module
from scripts.reports import Reports
from tests.unit.test_reports import incident
from utils.disk import OsDisk
from utils.event import Record


def make(incident_id: str) -> Report | None:
    known = incident(id=incident_id) if incident_id != "unknown" else None
    return None if known is None else report_of(known, Curves(), (), str, str)


def closed(incident_id: str) -> Record:
    fact = IncidentClosed(incident=incident_id, service="shop", outcome="healed")
    return Record(position=1, agent="owner", handled="", results=(fact,))


async def written(reports: Reports, path: Path) -> None:
    running = asyncio.create_task(reports.run())
    try:
        async with asyncio.timeout(5):
            while not path.exists():  # noqa: ASYNC110, ASYNC240 - a test looks from outside
                await asyncio.sleep(0.02)
    finally:
        running.cancel()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.01)


async def test_the_end_of_an_incident_leaves_a_page_and_a_text(tmp_path: Path) -> None:
    reports = Reports(OsDisk(), tmp_path, make)
    reports.record(closed("abc1"))
    await written(reports, tmp_path / "reports" / "abc1.md")
    assert "healed by respawn" in (tmp_path / "reports" / "abc1.html").read_text()
    (tmp_path / "reports" / "abc1.html").write_text("as it was")
    assert await reports.read("abc1", "html") == "as it was"


async def test_a_lost_report_is_made_anew_and_an_unknown_one_is_none(tmp_path: Path) -> None:
    reports = Reports(OsDisk(), tmp_path, make)
    assert "healed by respawn" in (await reports.read("abc1", "html") or "")
    assert await reports.read("unknown", "html") is None
    assert await reports.read("../../etc/passwd", "md") is None


async def test_only_the_newest_reports_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    reports = Reports(OsDisk(), tmp_path, make)
    for name in ("a1", "a2", "a3"):
        reports.record(closed(name))
        await written(reports, tmp_path / "reports" / f"{name}.md")
    async with asyncio.timeout(5):
        while (tmp_path / "reports" / "a1.md").exists():  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.02)
    names = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert names == ["a2.html", "a2.md", "a3.html", "a3.md"]
