"""What a daemon and its dashboard elsewhere tell each other: MessagePack, since JSON has no infinity."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from utils.metrics_collector import Family, Histogram, Labels

FEED, POLL, ANSWER = "/feed", "/feed/poll", "/feed/answer"
POLL_S = 20.0  # how long the dashboard holds a question for commands open
STALE_S = 60.0  # after this silence nothing that stands there is believed

Kind = Literal["approve", "deny", "snooze", "undo", "veto", "stop", "start", "pause", "resume", "report"]
Outcome = Literal["done", "said", "refused", "unknown_service"]
Items = list[dict[str, Any]]


class HistogramParts(Struct, frozen=True):
    bounds: tuple[float, ...]
    counts: list[int]
    sum: float


class FamilyParts(Struct, frozen=True):
    """A `Family` of which nothing is lazy."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()
    samples: list[tuple[Labels, float]] = []
    histograms: list[tuple[Labels, HistogramParts]] = []


class Parts(Struct, frozen=True, kw_only=True):
    """What a `View` shows. None: as it was told before."""

    summary: dict[str, Any] | None = None
    coverage: dict[str, Any] | None = None
    incidents: Items | None = None
    services: Items | None = None
    agents: Items | None = None
    predictions: Items | None = None
    maintenance: Items | None = None
    anomalies: Items | None = None
    metrics: Items | None = None
    traces: Items | None = None
    families: list[FamilyParts] | None = None


class Feed(Struct, frozen=True, kw_only=True):
    """News of one process life of a daemon; with `whole` it holds every part."""

    daemon: str
    started_at: float  # Unix seconds: of two that feed at once, the newer one is believed
    whole: bool
    ready: bool
    parts: Parts
    stream: Items = []


class Poll(Struct, frozen=True):
    """A daemon asks for commands; `have` are those that it holds unanswered."""

    daemon: str
    have: list[str] = []


class Asked(Struct, frozen=True, kw_only=True):
    """What a person wants of the daemon. Who: whoever holds the token, so no name travels."""

    id: str
    kind: Kind
    about: str = ""
    typed: str = ""
    for_s: float = 0.0


class Answered(Struct, frozen=True, kw_only=True):
    id: str
    outcome: Outcome
    text: str = ""
    accepted: bool = True


def flat(families: Iterable[Family]) -> list[FamilyParts]:
    return [
        FamilyParts(
            name=family.name,
            kind=family.kind,
            help=family.help,
            labels=family.labels,
            samples=list(family.samples),
            histograms=[(at, HistogramParts(h.bounds, list(h.counts), h.sum)) for at, h in family.histograms],
        )
        for family in families
    ]


def family(parts: FamilyParts) -> Family:
    return Family(
        name=parts.name,
        kind=parts.kind,
        help=parts.help,
        labels=parts.labels,
        samples=parts.samples,
        histograms=[(labels, _histogram(told)) for labels, told in parts.histograms],
    )


def _histogram(parts: HistogramParts) -> Histogram:
    made = Histogram(parts.bounds)
    made.counts, made.sum = parts.counts, parts.sum
    return made


def packed(message: Any) -> bytes:
    return msgspec.msgpack.encode(message)
