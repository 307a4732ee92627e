"""What was seen lately of all services, and what their figures say of an incident."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.causes.proofs import Proofs
from agents.causes.views import Usage
from agents.events import ConfigChanged, ProbeObserved, ServiceSampled
from analysis.evidence import Evidence, View
from analysis.root_cause.history import History
from config.graph import dependants, dependencies
from config.model import Config

if TYPE_CHECKING:
    from analysis.root_cause.window import Window

MOST_TOGETHER = 40  # services that are compared: those around the incident's own first
ALARMED_LATE_S = 600.0  # an incident older than this no longer says when it began


class Recent:
    """Caches: figures, whose last probe failed, which changes have stood."""

    def __init__(self) -> None:
        self.usage: dict[str, Usage] = {}
        self.proofs = Proofs()
        self.failing: set[str] = set()
        self.history = History()

    def hear(self, event: ServiceSampled | ProbeObserved | ConfigChanged) -> None:
        match event:
            case ServiceSampled():
                self.history.take(event.service, event.at, event.names, event.values)
                if "rss_mib" in event.names:
                    self.usage[event.service] = Usage(event)
            case ProbeObserved() if event.ok is not None:
                self.proofs.hear(event)
                (self.failing.discard if event.ok else self.failing.add)(event.service)
            case ConfigChanged() if event.why != "refused":
                for name in event.removed:
                    self.history.forget(name)


def figures_around(
    history: History, config: Config, view: View, now: float, suspect_s: float
) -> tuple[Evidence, ...]:
    """Evidence from the last quarter of an hour; none while too little is known, or the process is gone: that is a fact
    which no figure outweighs, and its restart shall not wait."""
    if view.ended:
        return ()
    window = _window(history, config, view, now)
    if window is None:
        return ()
    from analysis.root_cause.figures import figure_evidence  # with it numpy, which by now is there

    changed = any(0 <= now - change.at <= suspect_s for change in view.changes)
    below = dependencies(config, view.name) if _declared(config, view.name) else ()
    return tuple(figure_evidence(window, view.name, below, changed=changed))


def _window(history: History, config: Config, view: View, now: float) -> "Window | None":
    services = _neighbours(config, view.name)
    calls = [
        (service.name, name)
        for service in config.services
        if service.name in services
        for name in service.depends_on
    ]
    age_s = now - view.troubled_at if view.troubled_at else 0.0
    return history.window(services, calls, view.name, now, age_s if 0 <= age_s <= ALARMED_LATE_S else 0.0)


def _neighbours(config: Config, name: str) -> Sequence[str]:
    if not _declared(config, name):
        return (name,)
    near = dict.fromkeys((name, *dependencies(config, name), *dependants(config, name)))
    others = (service.name for service in config.services if service.name not in near)
    return [*near, *others][:MOST_TOGETHER]


def _declared(config: Config, name: str) -> bool:
    return any(service.name == name for service in config.services)
