"""Whether a service that answers again is back to its own normal, as far as that is known."""

from agents.agent import Results
from agents.events import NormExpected, ProbeObserved
from agents.incident.records import Act, Incident
from agents.incident.state import State
from agents.incident.verification import window_s
from config.model import Config

LATENCY = "probe_latency_s"
TIMES, FLOOR_S = 4.0, 0.1  # so much over what is usual that a caller notices


class UsualLatencies:
    """The slowest that is usual in this hour of the week, by service; a cache."""

    def __init__(self) -> None:
        self._high_s: dict[str, float] = {}

    def take(self, norm: NormExpected) -> Results:
        if LATENCY in norm.names:
            self._high_s[norm.service] = norm.high[norm.names.index(LATENCY)]
        return ()

    def hold_back(
        self, config: Config, state: State, incident: Incident, act: Act, probe: ProbeObserved
    ) -> bool:
        """A good answer that is far too slow verifies nothing yet; once the act's whole window is over it has to do."""
        usual_s = self._high_s.get(probe.service)
        if usual_s is None or probe.latency_s <= max(TIMES * usual_s, usual_s + FLOOR_S):
            return False
        return probe.at - act.applied_at < window_s(config, incident, act, 1, state.taught)
