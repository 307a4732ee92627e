"""What every agent may look up: the configuration in force, the fixes, where state lives."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.fixes import Fix
from config.model import Config, Service
from config.ourselves import OwnAgent, own_agent


@dataclass
class World:
    """Replaced in place at a reload, so read it at use and never keep a part of it."""

    config: Config
    fixes: Mapping[str, Fix]
    state_dir: Path = field(default_factory=lambda: Path("state"))
    dry_run: bool = False
    prevention_s: float = 300.0  # PREVENTION_INTERVAL: how often prevention looks ahead
    retrain_s: float = 3600.0  # ML_RETRAIN_INTERVAL: how often signs of failures may be learnt anew

    def target(self, name: str) -> Service | None:
        """Whom a fix may be meant for: a declared service, or an agent of our own."""
        return self.config.service(name) or own_agent(name)

    lease: Callable[[], str] = lambda: (
        ""
    )  # why another daemon may be the one to act; asked just before each call
    apart: bool = (
        False  # each daemon runs children that no other can reach, so that the lease is not about them
    )
    voice: Callable[[], str] | None = None  # why another daemon tells people; None: the one that acts does

    def why_not_ours(self, service: Service) -> str:
        """Why another daemon may be the one to act on this service."""
        here = service.is_child or isinstance(service, OwnAgent)
        return "" if self.apart and here else self.lease()

    def keeps_children(self) -> str:
        """Why another daemon may be the one to run the children."""
        return "" if self.apart else self.lease()

    def why_silent(self) -> str:
        return (self.voice or self.lease)()

    no_chaos: Callable[[], str] = lambda: (
        "faults are only made where CHAOS_ENABLED=true is set for the daemon"
    )  # why no fault may be made on purpose; empty: it may

    unix: Callable[[float], float] = lambda _: time.time()  # `at` -> wall clock, seconds since 1970
