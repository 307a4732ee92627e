"""Suspicion of ourselves: when many services fail their probes at once, the watcher is the likelier culprit."""

from collections.abc import Container

from agents.events import ProbeObserved
from config.graph import independent
from config.model import Config, Service

AT_LEAST = 4
SHARE = 0.3


class Suspicion:
    """The latest probe of each service: a cache, empty after a gap, when nothing that was seen still counts."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.doubted_at: float | None = None
        self.resumed_at: float | None = None
        self.told = ""

    def observe(self, probe: ProbeObserved) -> None:
        if probe.ok:
            self.failing.discard(probe.service)
        elif probe.ok is False:
            self.failing.add(probe.service)

    def forget(self, service: str) -> None:
        """A new life begins: what the last one answered says nothing about it."""
        self.failing.discard(service)

    def resume(self, at: float) -> None:
        self.failing.clear()
        self.resumed_at = at

    def look(self, config: Config, explained: Container[str], at: float) -> None:
        """Judge the latest probes. `explained` are services that fail for a reason that we saw."""
        if len(self.failing) < AT_LEAST:
            return
        probed = [s for s in config.services if s.probe is not None and s.name not in explained]
        failing = {s.name for s in probed} & self.failing
        roots = independent(failing, {s.name: s.depends_on for s in config.services})
        if len(roots) >= AT_LEAST and len(roots) > SHARE * len(probed):
            self.doubted_at = at
            self.told = (
                f"{len(roots)} of {len(probed)} services fail their probes at once: we may be the ones"
            )

    def reason(self, target: Service, chosen_at: float, at: float) -> str:
        """Why an act that rests on probes alone has to wait: now, or until the target was probed afresh."""
        hold_s = 2 * (target.probe.interval_s + target.probe.timeout_s) if target.probe else 0.0
        if self.doubted_at is not None and at - self.doubted_at <= hold_s:
            return self.told
        resumed = self.resumed_at
        if resumed is not None and chosen_at < resumed and at - resumed <= hold_s:
            return "chosen before a gap in which we did not watch: looking again first"
        return ""
