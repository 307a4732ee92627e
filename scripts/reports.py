"""Writes the report of each incident when it ends, and finds or makes it again for whoever asks."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from agents.events import IncidentClosed, IncidentEscalated
from config.ourselves import is_drill
from dashboard.reports.pages import html, markdown
from dashboard.reports.telling import Report
from utils.disk import Disk, replace_file
from utils.event import Record
from utils.structured_logger import get_logger

log = get_logger("reports")
FOLDER = "reports"
KEPT = 1000
SETTLE_S = 1.0  # what is learnt comes after the end
FORMS: dict[str, Callable[[Report], str]] = {"html": html, "md": markdown}
_ID = re.compile(r"[\w-]{1,64}")


class Reports:
    """`make` gives the report of an incident as it stands now, None where nobody knows it."""

    def __init__(self, disk: Disk, state_dir: Path, make: Callable[[str], Report | None]) -> None:
        self._disk = disk
        self._folder = state_dir / FOLDER
        self._make = make
        self._ended: asyncio.Queue[str] = asyncio.Queue()

    def record(self, record: Record) -> None:
        """A listener of the runner."""
        for fact in record.results:
            if isinstance(fact, IncidentClosed | IncidentEscalated) and not is_drill(fact.service):
                self._ended.put_nowait(fact.incident)

    async def run(self) -> None:
        while True:
            incident = await self._ended.get()
            await asyncio.sleep(SETTLE_S)
            report = self._make(incident)
            if report is None:
                continue
            try:
                await asyncio.to_thread(self._write, report)
            except OSError as error:
                log.warning("report_not_written", incident=incident, error=str(error))

    async def read(self, incident: str, form: Literal["html", "md"]) -> str | None:
        """As it was written when the incident ended, else as it can be made now."""
        if not _ID.fullmatch(incident):
            return None
        try:
            return await asyncio.to_thread((self._folder / f"{incident}.{form}").read_text, "utf-8")
        except (OSError, UnicodeDecodeError):
            report = self._make(incident)
        return FORMS[form](report) if report is not None else None

    def _write(self, report: Report) -> None:
        self._disk.mkdir(self._folder)
        for form, render in FORMS.items():
            replace_file(self._disk, self._folder / f"{report.id}.{form}", render(report).encode())
        written = sorted(self._folder.glob("*.html"), key=lambda path: path.stat().st_mtime)
        for old in written[:-KEPT]:
            old.unlink(missing_ok=True)
            old.with_suffix(".md").unlink(missing_ok=True)
