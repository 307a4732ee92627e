"""Weighs what was said and what changed around an incident, and ranks the kinds of remedy that would end it.

Causes say what is wrong, remedies what has to be done: two releases that break alike may want to be rolled back, or
forward. Rolling back is the first thought, because most of what breaks was changed lately; evidence that points anywhere
else has to outweigh that, and then no release is rolled back for having been near.

>>> [advice.remedy for advice in weigh(Trouble(lines=(Said("shop", "x509: certificate has expired"),)))][:1]
['rotate-cert']
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from math import exp

from msgspec import Struct

from analysis.remedy_words import MOST_CHARS, spoken

# How often each is what ends an incident, in log-odds against the rarest: rolling back leads every public list of post-mortems.
PRIORS = {
    "rollback": 2.4, "roll-forward": 0.5, "config-revert": 0.7, "failover": 0.5, "scale": 0.3, "reschedule": 0.0,
    "rotate-cert": 0.0, "purge-bad-data": 0.0, "escalate-upstream": 0.0,
}  # fmt: skip
REPEATED = 0.5  # what a second sentence of another kind adds, as a share of its weight
FAR = 4.0  # usual spreads from which on a metric has moved
GREW = 1.3  # where nobody knows the doors, whatever counts requests has to have risen so far
SURGE = 1.7  # so many times the usual requests are a surge
DEAD_AFTER_START = 900.0  # a start so shortly before the first failure is suspect
MOST_SENTENCES = 4
_QUIET = re.compile(r"^\W*(?:trace|debug|info|notice)\b", re.IGNORECASE)
_STARTING = re.compile(
    r"\b(?:start(?:ed|ing)|boot(?:ed|ing)|deploy(?:ed|ing)?|rolled out|rollout|released?|upgraded)\b",
    re.IGNORECASE,
)
_CONFIGURED = re.compile(
    r"\b(?:feature )?flag \S+ (?:was )?(?:enabled|disabled|set|toggled|on\b|off\b|changed)"
    r"|\b(?:config(?:uration|map)?|settings?)\b.{0,40}\b(?:reloaded|changed|applied|updated|pushed)\b",
    re.IGNORECASE,
)
_AT_BOOT = re.compile(
    r"crash ?loop|back-?off restarting|failed to (?:start|boot|init)|(?:during|at|on) (?:start-?up|boot)|start-?up (?:fail|error|panic|probe)"
    r"|initiali[sz]ation (?:failed|error)|^\W*(?:error|fatal|critical)?\W*panic:|exec format error",
    re.IGNORECASE,
)
_HOST = re.compile(  # said as a host: names of packages look alike
    r"(?:https?://|\bhost[=: ]|\b(?=api\.)|\bto |\bcalling )((?!java|org\.|com\.|io\.)[a-z0-9*-]{1,63}(?:\.[a-z0-9*-]{1,63}){1,6})",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"\.(?:com|net|org|io|dev|app|co|cloud|ai)$", re.IGNORECASE)
_CLOUD = re.compile(r"amazonaws|googleapis|azure|windows\.net|cloudfront|digitalocean|aws\b", re.IGNORECASE)
_FAILS = re.compile(
    r"fail|error|timed? ?out|timeout|refused|unavailable|reset|\b[45](?:\d\d|\*\*|\*)|limit|quota|reject",
    re.IGNORECASE,
)


class Said(Struct, frozen=True):
    """One line that a service wrote: untrusted. `at` is in seconds from the alarm, negative before it."""

    service: str
    text: str
    at: float = 0.0
    count: float = 1.0


class Moved(Struct, frozen=True):
    """A metric around the alarm: medians of before and after, and how many usual spreads it went."""

    service: str
    metric: str
    before: float
    after: float
    spreads: float

    @property
    def far(self) -> bool:
        return abs(self.spreads) >= FAR


class Trouble(Struct, frozen=True, kw_only=True):
    """What is known around one alarm. `since` is where `lines` begin; `entries` are services that no other calls."""

    lines: tuple[Said, ...] = ()
    moved: tuple[Moved, ...] = ()
    services: frozenset[str] = frozenset()
    entries: frozenset[str] = frozenset()
    since: float = 0.0


class Advice(Struct, frozen=True):
    """One kind of remedy with its probability and what speaks for it, strongest first."""

    remedy: str
    probability: float
    evidence: tuple[str, ...] = ()


class _For(Struct, frozen=True):
    remedy: str
    weight: float
    kind: str  # evidence of one kind counts once
    sentence: str


def weigh(trouble: Trouble) -> tuple[Advice, ...]:
    """All kinds of remedy, most probable first."""
    best: dict[str, dict[str, _For]] = defaultdict(dict)
    for item in _evidence(trouble):
        held = best[item.remedy].get(item.kind)
        if held is None or held.weight < item.weight:
            best[item.remedy][item.kind] = item
    scores, sentences = {}, {}
    for remedy, prior in PRIORS.items():
        items = sorted(best[remedy].values(), key=lambda item: -abs(item.weight))
        scores[remedy] = prior + sum(
            item.weight * (1.0 if n == 0 else REPEATED) for n, item in enumerate(items)
        )
        sentences[remedy] = tuple(item.sentence for item in items[:MOST_SENTENCES])
    total = sum(exp(score) for score in scores.values())
    ranked = sorted(scores, key=lambda remedy: (-scores[remedy], remedy))
    return tuple(
        Advice(remedy, round(exp(scores[remedy]) / total, 3), sentences[remedy]) for remedy in ranked
    )


def _evidence(trouble: Trouble) -> Iterator[_For]:
    lines = [Said(line.service, line.text[:MOST_CHARS], line.at, line.count) for line in trouble.lines]
    new = news(lines, trouble.since)
    loud = [line for line in new if not _QUIET.match(line.text)]
    yield from _sentences(trouble, loud)
    yield from _outside(trouble, loud)
    yield from _changes(new, loud)
    yield from _load(trouble)
    yield from _at_boot(loud)


def news(lines: Collection[Said], since: float) -> list[Said]:
    """Lines that were not there, or far rarer, in the first half of the time before the alarm."""
    half = since / 2.0
    if half >= 0.0:
        return list(lines)
    early: dict[tuple[str, str], float] = defaultdict(float)
    late: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        (early if line.at < half else late)[line.service, line.text] += line.count
    end = max((line.at for line in lines), default=0.0)
    longer = max(end - half, 1.0) / max(half - since, 1.0)
    return [
        line for line in lines
        if line.at >= half and late[line.service, line.text] > 4.0 * longer * early[line.service, line.text]
    ]  # fmt: skip


def _sentences(trouble: Trouble, loud: list[Said]) -> Iterator[_For]:
    for line in loud:
        for sign in spoken(line.text):
            yield _For(
                sign.remedy, sign.weight, sign.sentence, f"{line.service}: {sign.sentence}: {line.text}"
            )
    for moved in filter(lambda moved: moved.far, trouble.moved):  # a metric bears the name of what it counts
        for sign in spoken(re.sub(r"[-_.]", " ", moved.metric)):
            yield _For(
                sign.remedy, 0.5 * sign.weight, sign.sentence, f"{moved.service}: {moved.metric} moved"
            )


def _outside(trouble: Trouble, loud: list[Said]) -> Iterator[_For]:
    """Calls that fail at a host which is none of ours: a cloud has other places, a vendor has to be told."""
    for line in loud:
        if not _FAILS.search(line.text):
            continue
        for host in _HOST.findall(line.text):
            if _CLOUD.search(host):
                yield _For("failover", 2.0, "cloud", f"{line.service}: calls to {host} fail")
            elif _PUBLIC.search(host) and not any(name in host for name in trouble.services):
                sure = 4.0 if host.lower().startswith("api.") else 2.5
                yield _For(
                    "escalate-upstream",
                    sure,
                    "outside",
                    f"{line.service}: calls to {host} fail, which is not ours",
                )


def _changes(new: list[Said], loud: list[Said]) -> Iterator[_For]:
    first = min((line.at for line in loud), default=None)
    if first is None:
        return
    for line in new:
        ahead_s = first - line.at
        if not 0.0 <= ahead_s <= DEAD_AFTER_START or line in loud:
            continue
        nearness = 1.0 - 0.7 * ahead_s / DEAD_AFTER_START
        if _CONFIGURED.search(line.text):
            named = 2.0 if _names_what_fails(line, loud) else 0.0
            sentence = f"{line.service}: {line.text}, {ahead_s:.0f} s before"
            yield _For("config-revert", 1.5 * nearness + named, "configured", sentence)
        elif _STARTING.search(line.text):
            yield _For(
                "rollback", 1.5 * nearness, "started", f"{line.service}: {line.text}, {ahead_s:.0f} s before"
            )


def _names_what_fails(change: Said, loud: list[Said]) -> bool:
    """Whether a word of what was set stands in what fails, other than names of services."""
    failing = " ".join(line.text for line in loud).lower()
    services = " ".join({change.service, *(line.service for line in loud)}).lower()
    set_words = set(re.findall(r"[a-z]{4,}", change.text.lower().replace("_", " "))) - _COMMON
    return any(word in failing and word not in services for word in set_words)


_COMMON = frozenset({
    "info", "flag", "feature", "enabled", "disabled", "config", "configuration", "configmap", "setting", "settings",
    "reloaded", "changed", "applied", "updated", "pushed", "with", "from", "this", "that", "toggled", "service", "check",
    "version",
})  # fmt: skip
_REQUESTS = re.compile(
    r"request|\brps\b|\bqps\b|\brpm\b|traffic|arriv|ingress|sessions|hits|messages? in\b|published|produced|\bper (?:sec|s\b|min)|throughput"
)
_NOT_LOAD = re.compile(
    r"error|fail|retr|[45]xx|\b[45]\d\d\b|reject|duration|latency|timeout|ratio|queue|depth|pct|percent|wait|p\d\d|drop|evict|restart"
    r"|kill|throttl|in flight|pending|swap|gc\b|bytes|fault|denied|abort|expired|miss"
)
_FULL = re.compile(
    r"cpu|util|saturat|queue|depth|backlog|lag|worker|thread|pending|inflight|in flight|concurren"
)


def _load(trouble: Trouble) -> Iterator[_For]:
    """A surge comes in by the doors: what rises behind them alone is work that somebody of ours makes."""
    surges = []
    for moved in trouble.moved:
        name = re.sub(r"[-_./]", " ", moved.metric).lower()
        at_door = not trouble.entries or moved.service in trouble.entries
        if at_door and moved.before > 0 and _REQUESTS.search(name) and not _NOT_LOAD.search(name):
            surges.append((moved.after / moved.before, moved))
    if not surges or (not trouble.entries and min(times for times, _ in surges) < GREW):
        return
    times, most = max(surges, key=lambda surge: surge[0])
    if times >= SURGE and most.far:
        full = any(
            _FULL.search(other.metric.lower()) and other.far and other.after > other.before
            for other in trouble.moved
        )
        sentence = f"{most.service}: {most.metric} is {times:.1f} times what it was"
        yield _For("scale", 3.5 if full else 2.5, "surge", sentence)


def _at_boot(loud: list[Said]) -> Iterator[_For]:
    """What dies before it serves was given something that it cannot begin with."""
    for line in loud:
        if _AT_BOOT.search(line.text):
            yield _For("config-revert", 2.0, "boot", f"{line.service}: it ends while it boots: {line.text}")
            yield _For("rollback", 0.5, "boot", f"{line.service}: it ends while it boots: {line.text}")
            return
