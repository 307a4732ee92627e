"""A soak of virtual days on what real machines recorded: as long as every probe is good, hardly anybody is alarmed."""

import pytest

from agents import service_monitor
from agents.events import FixStarted, IncidentOpened
from config.ourselves import is_drill
from platforms import figures
from tests.fixtures.recorded_days import DATA, Replayed, recorded, rows_of
from tests.fixtures.virtual_daemon import VirtualDaemon

pytestmark = [
    pytest.mark.unmeasured,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"no copy of the series at {DATA}; NIGHTWARDEN_BENCH_DATA says where"
    ),
]
DAY = 1440
SETS = ("smd", "asd", "mscloud")


@pytest.fixture(autouse=True)
def coarse_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_monitor, "TICK_S", 15.0)
    monkeypatch.setattr(service_monitor, "GAP_S", 45.0)
    monkeypatch.setattr(figures, "_CALM_S", 60.0)
    monkeypatch.setattr(figures, "_CLOSE_S", 60.0)


def of_services(virtual: VirtualDaemon) -> tuple[list[IncidentOpened], list[FixStarted]]:
    opened = [fact for fact in virtual.facts(IncidentOpened) if not is_drill(fact.service)]
    return opened, [fact for fact in virtual.facts(FixStarted) if not is_drill(fact.service)]


@pytest.mark.parametrize(
    ("services", "days"), [(9, 1), pytest.param(12, 9, marks=pytest.mark.soak)], ids=["a tenth", "whole"]
)
async def test_recorded_metrics_alarm_hardly_anybody_while_probes_are_good(services: int, days: int) -> None:
    paths = recorded(SETS)[:services]
    virtual = Replayed([rows_of(path, days * DAY) for path in paths], snapshot_s=86_400.0)
    async with virtual:
        await virtual.replay()
        opened, acts = of_services(virtual)
    service_days = len(paths) * days
    told = [(fact.service, fact.symptom, fact.reason) for fact in opened]
    print(f"{service_days} service-days: {len(opened)} incidents, {len(acts)} acts {told}")
    assert all(symptom == "failure_predicted" for _, symptom, _ in told)
    assert len(opened) <= max(service_days / 100, 1), told
    planned = [act for act in acts if act.kind == "maintenance"]
    assert len(planned) <= max(service_days / 30, 1), [(act.service, act.fix) for act in planned]
