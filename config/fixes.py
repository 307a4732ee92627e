"""The catalogue of fixes: sentences in data, bound to recovery agents that know the verbs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from config.model import ExecPlatform, HttpPlatform, Platform, ProcessPlatform, Service
from config.on_model import MODEL_STEPS, ModelPlatform
from config.on_render import RENDER_ACTIONS, RenderPlatform
from config.ourselves import OwnAgent

Need = Literal[
    "process",
    "release",
    "files",
    "caches",
    "database",
    "infrastructure",
    "agent",
    "instances",
    "plans",
    "model",
]


Remedy = Literal[
    "", "rollback", "roll-forward", "config-revert", "failover", "scale", "reschedule", "rotate-cert", "purge-bad-data",
    "escalate-upstream",
]  # fmt: skip


class Fix(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One remedy. `prior` counts (successes, failures) before any record of our own."""

    name: str
    title: str  # what it does, for people
    layer: Literal["application", "data", "infrastructure", "model"]
    agent: str
    cures: tuple[str, ...]
    risk: Literal["safe", "risky", "destructive"] = "safe"
    cost_s: float = 1.0  # typical disruption
    deadline_s: float = 60.0
    auto_undo: bool = False  # if it did not help, it is taken back where there is a way back
    cooldown_s: float = 0.0
    needs: tuple[Need, ...] = ()
    prior: tuple[float, float] = (1.0, 1.0)
    remedy: Remedy = ""  # the kind that it is of, as incidents are told apart by what ends them
    steps: tuple[str, ...] = ()

    def applies_to(self, service: Service) -> bool:
        """Whether the service declares what this needs."""
        declared = {
            "process": service.is_child,
            "infrastructure": not service.is_child and set(self.steps) <= offered(service.platform),
            "release": service.release is not None,
            "files": bool(service.files),
            "caches": bool(service.caches),
            "database": service.database is not None,
            "agent": isinstance(service, OwnAgent),
            "model": service.is_model,
            "instances": service.scale is not None and service.scale.max_instances > 1,
            "plans": service.scale is not None and bool(service.scale.plans),
        }
        return all(declared[need] for need in self.needs)

    @property
    def only_starts_anew(self) -> bool:
        return set(self.steps) <= {"stop", "kill", "start", "restart"}


_OF_INSTANCES = frozenset({
    "restart", "rollback", "freeze_auto_deploy", "redeploy_clean", "scale_out", "scale_up", "resume", "cancel_deploy",
})  # fmt: skip
_RENDER_STEPS: Mapping[str, frozenset[str]] = {  # cron jobs and static sites are watched only
    "web_service": _OF_INSTANCES, "private_service": _OF_INSTANCES, "background_worker": _OF_INSTANCES,
    "postgres": frozenset({"restart_postgres", "failover_postgres", "resume"}), "key_value": frozenset({"resume"}),
}  # fmt: skip


def offered(platform: Platform) -> frozenset[str]:
    """The steps that a platform offers for a service as it is declared.

    >>> sorted(offered(ExecPlatform(start=("up",), stop=("down",))))
    ['restart', 'start', 'stop']
    """
    match platform:
        case ProcessPlatform():
            return frozenset({"start", "stop", "kill"})
        case ExecPlatform():
            declared = {step for step in ("start", "stop", "restart") if getattr(platform, step) is not None}
            return frozenset(declared | ({"restart"} if {"start", "stop"} <= declared else set()))
        case RenderPlatform():
            allowed = RENDER_ACTIONS if platform.actions is None else platform.actions
            return frozenset(allowed) & _RENDER_STEPS.get(platform.kind_of, frozenset())
        case ModelPlatform():
            return MODEL_STEPS
        case HttpPlatform():
            return frozenset()


def load_fixes(path: Path | None = None) -> Mapping[str, Fix]:
    """Read the catalogue; raises ValueError naming file and place."""
    path = path or Path(__file__).with_name("fixes.json")
    try:
        fixes = msgspec.json.decode(path.read_bytes(), type=tuple[Fix, ...])
    except (msgspec.DecodeError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error
    return {fix.name: fix for fix in fixes}
