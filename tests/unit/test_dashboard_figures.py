from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from agents import events as e
from dashboard.figures import BackupReading, Figures, Readings
from tests.fixtures.dashboard_world import small_world
from utils.metrics_collector import Family, Renderer


def sample_values(families: Iterable[Family]) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(f.name, labels): value for f in families for labels, value in f.samples}


def counted(*events: e.Event) -> dict[tuple[str, tuple[str, ...]], float]:
    figures = Figures()
    for event in events:
        figures.fold(event)
    return sample_values(figures.families([], [], Readings()))


def test_an_incident_is_counted_by_its_last_cause_and_its_outcome() -> None:
    values = counted(
        e.CauseFound(incident="i", best=e.Cause("hang", "shop", 0.5)),
        e.CauseFound(incident="i", best=e.Cause("bad_deploy", "shop", 0.9)),
        e.IncidentEscalated(incident="i", reason="nothing is left"),
        e.IncidentClosed(incident="i", outcome="healed", seconds=3.0),
        e.IncidentClosed(incident="j", outcome="withdrawn"),
    )
    assert values["nightwarden_incidents_total", ("bad_deploy", "healed")] == 1
    assert values["nightwarden_incidents_total", ("unknown", "withdrawn")] == 1
    assert values["nightwarden_escalations_total", ("bad_deploy",)] == 1


def test_acts_probes_and_quarantined_events_are_counted() -> None:
    values = counted(
        e.FixVerified(fix="respawn", cause_name="crash", culprit="shop", seconds=1),
        e.FixFailed(fix="respawn", cause_name="crash", culprit="shop", reason=""),
        e.FixFailed(fix="respawn", cause_name="crash", culprit="shop", reason="", interrupted=True),
        e.FixRefused(fix="restart", limit="paused", reason=""),
        e.FixRefused(fix="restart", limit="paused", reason="", reminder=1),
        e.FixRefused(fix="restart", limit="attempts", reason="", final=True),
        e.ProbeObserved(service="shop", ok=True),
        e.ProbeObserved(service="shop", ok=None),
        e.ProbeObserved(service="shop", ok=False),
        e.EventQuarantined(agent="rca_engine", event="x", error=""),
    )
    assert values["nightwarden_acts_total", ("respawn", "verified")] == 1
    assert values["nightwarden_acts_total", ("respawn", "failed")] == 1
    assert values["nightwarden_acts_total", ("respawn", "interrupted")] == 1
    assert values["nightwarden_acts_total", ("restart", "held_back")] == 1
    assert values["nightwarden_acts_total", ("restart", "refused")] == 1
    for result in ("good", "failed", "unknown"):
        assert values["nightwarden_probes_total", ("shop", result)] == 1
    assert values["nightwarden_events_quarantined_total", ("rca_engine",)] == 1


def test_the_last_proof_of_each_backup_can_be_alerted_on() -> None:
    shop = BackupReading(service="shop", target="a.json", ok=False, good_unix_s=17.0, size_bytes=5)
    values = sample_values(Figures().families([], [], Readings(backups=[shop])))
    assert values["nightwarden_backup_ok", ("shop", "a.json")] == 0
    assert values["nightwarden_backup_proven_timestamp_seconds", ("shop", "a.json")] == 17
    assert values["nightwarden_backup_size_bytes", ("shop", "a.json")] == 5


def test_time_to_heal_holds_only_what_was_healed() -> None:
    figures = Figures()
    figures.fold(e.IncidentClosed(incident="i", outcome="healed", seconds=3.0))
    figures.fold(e.IncidentClosed(incident="j", outcome="withdrawn", seconds=900.0))
    assert figures.mttr.sum == 3.0
    assert sum(figures.mttr.counts) == 1


async def test_the_whole_exposition_is_read_back_by_the_reference_parser() -> None:
    view, figures = small_world(1e9), Figures()
    figures.fold(e.IncidentClosed(incident="i", outcome="healed", seconds=3.0))
    readings = Readings(
        journal_position=9, journal_durable=7, telemetry_dropped={"ProbeObserved": 3}, version="1"
    )
    text = (await Renderer().render(figures.families(view.services(), view.agents(), readings))).decode()
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["nightwarden_service_healthy", ("pricing",)] == 1
    assert found["nightwarden_service_healthy", ("shop",)] == 0
    assert found["nightwarden_services", ("unhealthy",)] == 2
    assert found["nightwarden_mttr_seconds_bucket", ("5",)] == 1
    assert found["nightwarden_mttr_seconds_bucket", ("2.5",)] == 0
    assert found["nightwarden_mttr_seconds_count", ()] == 1
    assert found["nightwarden_journal_durable_position", ()] == 7
    assert found["nightwarden_agent_events_handled_total", ("rca_engine",)] == 120
    assert found["process_resident_memory_bytes", ()] > 1e6
