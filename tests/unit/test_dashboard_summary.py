from msgspec.structs import replace

from agents.events import OperatorCommanded
from dashboard.summary import notices, overall_health, summarise
from tests.fixtures.dashboard_view import rfc3339
from tests.fixtures.dashboard_world import incident, ongoing, service

NOW = 1_700_000_000.0
DAY_S = 86_400.0
WELL = [service("shop", "healthy", NOW), service("mailer", "stopped", NOW)]


def test_the_figures_come_from_incidents_and_commands() -> None:
    retrained = replace(
        incident(3, NOW).acts[0], fix="retrain", outcome="failed", started_at=NOW - 29 * DAY_S
    )
    long_ago = replace(retrained, started_at=NOW - 31 * DAY_S)
    incidents = [incident(1, NOW), incident(2, NOW, acts=(retrained, long_ago))]
    commands = [
        OperatorCommanded(command="stop", service="mailer"),
        OperatorCommanded(command="pause"),
        OperatorCommanded(command="shutdown"),
    ]
    summary = summarise(incidents, WELL, commands, NOW, rfc3339)
    assert summary["retrains_30d"] == 1
    assert summary["manual_interventions"] == 2
    assert summary["auto_fix_success_rate"] == 1 / 3
    assert summary["recoveries"] == 2
    assert summary["mttd_s"] == 0.5
    assert summary["mttr_s"] == 2.4
    assert summary["acts_by_day"]["2023-11-14"] == {"respawn": 1}
    assert summary["services"] == 2


def test_what_holds_the_daemon_back_stands_in_the_summary() -> None:
    told = notices(["anna"], "No space left on device", dry_run=False)
    assert summarise([], WELL, [], NOW, rfc3339, told)["notices"] == [
        "paused by anna",
        "the state folder cannot be written: No space left on device",
    ]


def test_before_anything_happened_nothing_is_invented() -> None:
    summary = summarise([], [], [], NOW, rfc3339)
    assert summary["overall_health"] == "unknown"
    assert summary["auto_fix_success_rate"] is None
    assert summary["mttr_s"] is None


def test_all_is_well_when_services_are_healthy_or_stopped_on_purpose() -> None:
    assert overall_health([incident(1, NOW)], WELL) == "healthy"


def test_an_open_incident_or_one_ailing_service_is_a_degradation() -> None:
    assert overall_health([ongoing(NOW)], WELL) == "degraded"
    assert overall_health([], [service("shop", "down", NOW)]) == "degraded"


def test_people_needed_or_half_of_the_fleet_ailing_is_critical() -> None:
    assert overall_health([incident(1, NOW, status="escalated")], WELL) == "critical"
    fleet = [service(str(n), "down" if n < 2 else "healthy", NOW) for n in range(4)]
    assert overall_health([], fleet) == "critical"


def test_a_fleet_of_which_nothing_is_known_yet_is_not_called_healthy() -> None:
    assert overall_health([], [*WELL, service("new", "unknown", NOW)]) == "unknown"
