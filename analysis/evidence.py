"""What root-cause analysis looks at: one view of each service, and the evidence drawn from it."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from analysis.probe_health import much_slower

RECENT_S = 180.0


class Change(Struct, frozen=True):
    """Something about a service was changed: its release or its configuration."""

    kind: str
    what: str
    before: str
    after: str
    at: float
    relapses: int = 0  # failures since then that a mere restart ended, each for a while
    stood: bool = False  # it answered well with this, before it failed


class Deviation(Struct, frozen=True):
    """A metric was far from what it was."""

    metric: str
    value: float
    expected: float
    sigmas: float
    at: float


class Peer(Struct, frozen=True):
    """What a fresh look at a dependency said."""

    name: str
    ok: bool | None
    latency_s: float = 0.0
    usual_latency_s: float = 0.0
    reason: str = ""
    cpu_percent: float | None = None

    @property
    def slow(self) -> bool:
        """Several times slower than usual, and so slow that a caller notices."""
        if self.usual_latency_s > 0:
            return much_slower(self.latency_s, self.usual_latency_s)
        return self.latency_s >= 1.0


class Ceiling(Struct, frozen=True):
    """A prediction that a resource runs out."""

    cause: str
    metric: str
    lead_time_s: float
    incarnation: str
    sentence: str
    at: float


class Alarm(Struct, frozen=True):
    """An alert of another monitoring system that fires; its words are untrusted."""

    key: str
    name: str
    summary: str
    at: float


class View(Struct, frozen=True, kw_only=True):
    """All that is known of one service now. `text` is what it wrote and answered since its last trouble: untrusted."""

    name: str
    health: str = "unknown"
    symptom: str = ""
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    status: int | None = None
    process_state: str = ""
    is_child: bool = True  # so that we would have seen its end
    is_elsewhere: bool = False  # it is watched and never acted on
    text: str = ""
    said: tuple[str, ...] = ()  # templates of the errors that it wrote in earlier troubles
    answer: str = ""  # what it said to the probe that failed: this very moment's word, untrusted
    incarnation: str = ""
    started_at: float | None = None
    probed: bool = False
    depends_on: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # dependencies that its last failed boot lacked
    boot_words: str = ""  # what it wrote before that boot ended: untrusted
    addresses: tuple[str, ...] = ()  # HOST:PORT where it is asked
    files: tuple[str, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()  # (path, problem)
    changes: tuple[Change, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    peers: tuple[Peer, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    memory_share: float | None = None  # of its declared ceiling
    cpu_percent: float | None = None
    sampled_at: float = 0.0
    troubled_at: float = 0.0

    @property
    def ended(self) -> bool:
        return self.symptom in ("exit", "found_dead")

    def lately(self, now: float) -> Iterator[Deviation]:
        return (deviation for deviation in self.deviations if now - deviation.at <= RECENT_S)


class Evidence(Struct, frozen=True):
    """One observation that speaks for a cause; `weight` is in log-odds."""

    cause: str
    service: str
    weight: float
    sentence: str


class Scene(Struct, frozen=True, kw_only=True):
    """Everything one diagnosis may use."""

    now: float
    service: str
    opened_by: str  # the symptom of the incident
    views: Mapping[str, View]
    suspect_s: float  # a change this young is suspected
    failing: frozenset[str] = frozenset()  # services whose last probe failed, however new that is
    refuted: tuple[tuple[str, str], ...] = ()  # (cause, culprit) whose fix did not help
    advised: tuple[str, str] = (
        "",
        "",
    )  # (cause, culprit) that a language model chose among those found before
    confirmed: Mapping[tuple[str, str], int] = {}  # (cause, culprit) of past incidents that looked the same
    figures: tuple[Evidence, ...] = ()  # what the metrics of all services around it say

    @property
    def view(self) -> View:
        return self.views[self.service]
