"""What the dashboard shows of a service."""

import pytest

from scripts.views import health_now


@pytest.mark.parametrize(
    ("health", "stopped", "runs", "dry_run", "shown"),
    [
        ("healthy", False, True, False, "healthy"),
        ("healthy", False, False, False, "unknown"),  # old state, before the first look after a start
        ("healthy", False, False, True, "healthy"),  # somebody else runs it
        ("unhealthy", False, False, False, "unhealthy"),
        ("down", False, False, False, "down"),
        ("healthy", True, False, False, "stopped"),
        ("healthy", True, True, False, "healthy"),  # told to stop, and still there
    ],
)
def test_nothing_is_shown_as_healthy_that_has_no_process(
    health: str, stopped: bool, runs: bool, dry_run: bool, shown: str
) -> None:
    assert health_now(health, stopped=stopped, runs=runs, dry_run=dry_run) == shown
