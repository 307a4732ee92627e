"""What the optimizer keeps of settings, and what it measures: probes and their gaps, troubles that were none."""

from collections.abc import Sequence

from msgspec import Struct, field

from agents.lessons import STRETCH as STRETCH
from analysis.learning.pace import confirm_s, mean_detection_s
from config.model import Probe

GAPS_KEPT = 400
LONG_S = 3600.0  # a longer gap is a pause of ours, no pace


class Pace(Struct, frozen=True, omit_defaults=True, gc=False):
    """What was measured of a service's probes over a while."""

    probes_per_h: float
    detection_s: float  # expected, from the gaps that there were


class Trial(Struct, frozen=True, gc=False):
    """The one change that is being tried."""

    service: str
    setting: str
    value: float
    before: float
    at: float
    was: Pace


class State(Struct):
    """Keys of `settings` and `rests` are SETTING:SERVICE."""

    settings: dict[str, float] = field(default_factory=dict)  # that differ from what is configured
    trials: dict[str, Trial] = field(default_factory=dict)  # at most one, under ""
    quiet_since: dict[str, float] = field(default_factory=dict)  # by service
    opened: dict[str, str] = field(default_factory=dict)  # incidents that are open -> service
    rests: dict[str, float] = field(default_factory=dict)  # until when a setting is not tried again
    proposed: dict[str, float] = field(default_factory=dict)  # SETTING:SERVICE -> value, told to people
    noise: dict[str, tuple[float, ...]] = field(
        default_factory=dict
    )  # when a service's metrics alarmed for nothing


class Gaps:
    """The newest gaps between probes of one service; a cache."""

    def __init__(self) -> None:
        self.gaps_s: list[float] = []
        self.last_at = 0.0

    def note(self, at: float) -> None:
        gap_s = at - self.last_at
        if self.last_at and 0.0 < gap_s < LONG_S:
            self.gaps_s.append(gap_s)
            del self.gaps_s[:-GAPS_KEPT]
        self.last_at = at

    def pace(self, probe: Probe, value: float) -> Pace:
        """With quick second looks where the rate is stretched."""
        second_s = probe.interval_s if value <= 1.0 else confirm_s(probe.interval_s, probe.timeout_s)
        return pace_of(self.gaps_s, second_s, probe.timeout_s)


def pace_of(gaps_s: Sequence[float], second_s: float, timeout_s: float) -> Pace:
    total_s = sum(gaps_s)
    per_h = 3600.0 * len(gaps_s) / total_s if total_s else 0.0
    detection_s = mean_detection_s(gaps_s, second_s, timeout_s)
    return Pace(round(per_h, 2), round(detection_s, 3))


def setting_key(setting: str, service: str) -> str:
    """
    >>> setting_key("probe_stretch", "shop")
    'probe_stretch:shop'
    """
    return f"{setting}:{service}"
