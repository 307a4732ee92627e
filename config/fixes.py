"""The catalogue of fixes: sentences in data, bound to recovery agents that know the verbs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from config.model import ProcessPlatform, Service


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
    cooldown_s: float = 0.0
    needs: tuple[Literal["process", "release", "files", "caches"], ...] = ()
    prior: tuple[float, float] = (1.0, 1.0)
    steps: tuple[str, ...] = ()

    def applies_to(self, service: Service) -> bool:
        """Whether the service declares what this needs."""
        declared = {
            "process": isinstance(service.platform, ProcessPlatform),
            "release": service.release is not None,
            "files": bool(service.files),
            "caches": bool(service.caches),
        }
        return all(declared[need] for need in self.needs)

    @property
    def only_starts_anew(self) -> bool:
        return set(self.steps) <= {"stop", "kill", "start"}


def load_fixes(path: Path | None = None) -> Mapping[str, Fix]:
    """Read the catalogue; raises ValueError naming file and place."""
    path = path or Path(__file__).with_name("fixes.json")
    try:
        fixes = msgspec.json.decode(path.read_bytes(), type=tuple[Fix, ...])
    except (msgspec.DecodeError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error
    return {fix.name: fix for fix in fixes}
