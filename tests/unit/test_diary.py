import io
import json
from typing import Any

from agents.events import Fact, FixVerified, IncidentEscalated, StorageChanged
from scripts import diary
from utils.event import Record
from utils.structured_logger import configure


async def logged(fact: Fact) -> dict[str, Any]:
    out = io.StringIO()
    configure(stream=out)
    diary.write(Record(1, "agent", "e0", [fact]))
    line: dict[str, Any] = json.loads(out.getvalue())
    return line


async def test_a_fact_is_logged_with_what_finds_its_incident_again() -> None:
    fact = FixVerified(
        id="e1", cause="e0", incident="i1", service="shop", fix="respawn", cause_name="crash", culprit="shop", seconds=1.0
    )  # fmt: skip
    line = await logged(fact)
    found = {key: line[key] for key in ("level", "type", "agent", "incident", "service", "event_id", "cause")}
    assert found == {
        "level": "info", "type": "FixVerified", "agent": "agent", "incident": "i1", "service": "shop",
        "event_id": "e1", "cause": "e0",
    }  # fmt: skip
    assert line["message"].startswith("respawn helped")


async def test_what_needs_a_person_is_a_warning_and_the_all_clear_is_not() -> None:
    assert (await logged(IncidentEscalated(service="shop", reason="no fix is left")))["level"] == "warning"
    assert (await logged(StorageChanged(ok=False, problem="full")))["level"] == "warning"
    assert (await logged(StorageChanged(ok=True)))["level"] == "info"
