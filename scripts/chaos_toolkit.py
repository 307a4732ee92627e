"""What experiments can do with a running daemon: probes and actions for Chaos Toolkit, and for `nightwarden chaos`.

Chaos Toolkit's own `chaos run` finds them as a Python provider: {"type": "python", "module": "scripts.chaos_toolkit",
"func": "inject", "arguments": {...}}. Which daemon is meant says the experiment's configuration, "state_dir", else the
environment variable NIGHTWARDEN_STATE_DIR, else the folder "state".
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.control import ControlError, ask

ENDED = frozenset({"closed", "withdrawn"})
LOOK_S = 0.1
ASK_S = 30.0
Configuration = Mapping[str, Any] | None


# --- probes ----------------------------------------------------------------------------------------------------------


def all_healthy(configuration: Configuration = None) -> bool:
    """Every service that is not stopped on purpose is healthy."""
    return _ill(configuration) == []


def service_health(service: str, configuration: Configuration = None) -> str:
    for known in _ask(configuration, "status")["services"]:
        if known["name"] == service:
            return str(known["health"])
    raise ControlError(f"no service is called {service!r}")


def open_incidents(configuration: Configuration = None) -> int:
    """Those that are not over, escalated ones too."""
    return len(_open(configuration))


def no_fault_left(configuration: Configuration = None) -> bool:
    """Nothing is broken on purpose, and no way back is written down any more."""
    found = _ask(configuration, "faults")
    return not found["active"] and not found["notes"]


def noticed(service: str, within_s: float = 20.0, configuration: Configuration = None) -> bool:
    """Somebody has seen that the service is not well: an incident of it is open, or its health says so."""

    def seen() -> bool:
        return any(item["service"] == service for item in _open(configuration)) or (
            service in _ill(configuration)
        )

    return _until(seen, within_s)


def acts_of(service: str, configuration: Configuration = None) -> list[str]:
    """What was done in the newest incident of a service."""
    for item in _ask(configuration, "incidents"):
        if item["service"] == service:
            return [str(act["fix"]) for act in item["acts"]]
    return []


def healed_within(seconds: float = 60.0, configuration: Configuration = None) -> float:
    """How long it took until every service was healthy and no incident open, fault or not. Raises if it did not."""
    return _well(seconds, configuration, lambda: True)


def well_within(seconds: float = 60.0, configuration: Configuration = None) -> float:
    """How long it took until every service was healthy, no incident open and no fault left. Raises if it did not."""
    return _well(seconds, configuration, lambda: no_fault_left(configuration))


def _well(seconds: float, configuration: Configuration, besides: Callable[[], bool]) -> float:
    began = time.monotonic()

    def well() -> bool:
        return besides() and all_healthy(configuration) and not _open(configuration)

    if not _until(well, seconds):
        raise ControlError(f"not well after {seconds:g} s: {_trouble(configuration)}")
    return round(time.monotonic() - began, 3)


# --- actions ---------------------------------------------------------------------------------------------------------


def inject(
    fault: str,
    service: str,
    for_s: float = 10.0,
    options: Mapping[str, Any] | None = None,
    configuration: Configuration = None,
) -> str:
    """Make a fault, which is undone after `for_s` whatever happens to us. Raises with the reason where it is refused."""
    return str(
        _ask(
            configuration,
            "fault",
            fault=fault,
            service=service,
            for_s=float(for_s),
            options=dict(options or {}),
        )
    )


def end_faults(service: str = "", configuration: Configuration = None) -> str:
    """Undo a fault now, or every one, and see that nothing is left; nothing to undo is well too."""
    return str(_ask(configuration, "unfault", service=service))


def stop_service(service: str, configuration: Configuration = None) -> str:
    return str(_ask(configuration, "stop", service=service))


def start_service(service: str, configuration: Configuration = None) -> str:
    return str(_ask(configuration, "start", service=service))


# --- the daemon ------------------------------------------------------------------------------------------------------


def state_dir(configuration: Configuration) -> Path:
    named = (configuration or {}).get("state_dir") or os.environ.get("NIGHTWARDEN_STATE_DIR")
    return Path(str(named or "state"))


def _ask(configuration: Configuration, command: str, **args: Any) -> Any:
    return ask(state_dir(configuration), command, ASK_S, **args)


def _ill(configuration: Configuration) -> list[str]:
    services = _ask(configuration, "status")["services"]
    return [item["name"] for item in services if item["health"] not in {"healthy", "stopped"}]


def _open(configuration: Configuration) -> list[dict[str, Any]]:
    return [item for item in _ask(configuration, "incidents") if item["status"] not in ENDED]


def _trouble(configuration: Configuration) -> str:
    ill = [f"{name} is {service_health(name, configuration)}" for name in _ill(configuration)]
    incidents = [f"the incident of {item['service']} is {item['status']}" for item in _open(configuration)]
    faults = [
        f"the fault {fault['fault']} of {fault['service']} is in"
        for fault in _ask(configuration, "faults")["active"]
    ]
    return "; ".join([*ill, *incidents, *faults]) or "it is now"


def _until(condition: Callable[[], bool], within_s: float) -> bool:
    ends_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(LOOK_S)
    return True
