"""The words that events are made of: health, symptoms, causes, switches."""

from typing import Literal

from msgspec import Struct

Health = Literal["starting", "healthy", "unhealthy", "down", "stopped", "unknown"]
Symptom = Literal[
    "",
    "exit",  # we saw the process end
    "found_dead",  # it was running before we looked away, and is not there now
    "timeout",  # the probe got no answer in time
    "refused",  # nobody listens
    "bad_status",  # an answer that says no (HTTP status, exit code of an exec probe)
    "stale_heartbeat",
    "error",  # any other failure of the probe
    "suspended",  # somebody stopped it where it runs: no trouble
    "given_up",  # an agent of ours failed so often that its supervisor gave it up
    "silent",  # an agent of ours leaves facts waiting
    "data_quality",  # a model's table is damaged
    "drift",  # what a model is asked is not what it was trained on
    "worse_since_promotion",  # a model does worse than the one before it
    "degraded",  # a model does worse than it did
]
MODEL_SYMPTOMS = frozenset({"data_quality", "drift", "worse_since_promotion", "degraded"})
# Signals that somebody sends; no program ends itself by one of these: HUP, INT, QUIT, KILL, TERM.
FROM_OUTSIDE = frozenset({1, 2, 3, 9, 15})

FILE = "file "  # begins the key of a pause by a file; no service is called so


def switch(by: str, service: str) -> str:
    """The key of a pause. A file is a switch of its own: whoever resumes elsewhere does not throw it.

    >>> switch("anna", ""), switch("file PAUSE", "")
    ('', 'file PAUSE')
    """
    return by if by.startswith(FILE) else service


CauseName = Literal[
    "crash", "hang", "memory_leak", "cpu_saturation", "disk_full", "network_latency", "packet_loss",
    "connection_exhaustion", "dependency_failure", "bad_deploy", "config_error", "traffic_spike",
    "state_corruption", "data_quality", "data_drift", "model_degradation", "unknown",
]  # fmt: skip


class DependencySeen(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a fresh look at a dependency said, taken while its caller was failing."""

    name: str
    ok: bool | None
    latency_s: float = 0.0
    usual_latency_s: float = 0.0
    reason: str = ""
    cpu_percent: float | None = None  # of one processor, since its caller first failed


class Cause(Struct, frozen=True, omit_defaults=True, gc=False):
    name: str  # a CauseName
    service: str  # the culprit, not always the service of the incident
    confidence: float  # 0 to 1
    evidence: tuple[str, ...] = ()  # sentences for people
    witnesses: int = (
        0  # independent signs that a culprit who answers its own probe does fail those who need it
    )
