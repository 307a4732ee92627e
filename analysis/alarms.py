"""What alerts of another monitoring system speak for: known words in their names and summaries, as evidence."""

import re
from collections.abc import Iterator

from analysis.evidence import Evidence, Scene
from analysis.signatures import quote

NAMED, TOLD = 3.0, 1.5  # a name is chosen with care, a summary speaks of many things
UNCLEAR = 0.5
LATELY_S = 900.0  # an older one is evidence only where alerts opened the incident

_MEANINGS = tuple(
    (re.compile(rf"\b(?:{words})\b"), cause)
    for words, cause in (
        (r"oom|out of memory|memory|rss", "memory_leak"),
        (r"cpu|processor|load", "cpu_saturation"),
        (r"disk|filesystem|inodes?|volume", "disk_full"),
        (r"packets?", "packet_loss"),
        (r"connections?|pool|sockets?|file descriptors|fds", "connection_exhaustion"),
        (r"latency|slow|slowness|p9[059]|response times?|duration", "network_latency"),
        (r"drift", "data_drift"),
        (r"accuracy|model", "model_degradation"),
        (r"data quality|stale data", "data_quality"),
        (r"corrupt|corrupted|corruption", "state_corruption"),
        (r"deploy|deployment|release|rollout", "bad_deploy"),
        (r"traffic|request rate|requests per second|rps|qps", "traffic_spike"),
        (r"hang|hangs|hung|unresponsive|deadlock|stuck|timeouts?|unhealthy", "hang"),
        (r"down|crash|crashed|crashes|crash loop|crash looping|absent|restarts?|failed", "crash"),
    )
)


def alarmed(scene: Scene) -> Iterator[Evidence]:
    """One word for each cause; an alert that nobody understands is told and speaks for nothing."""
    best: dict[str, Evidence] = {}
    for alarm in scene.view.alarms:
        if scene.opened_by != "alert" and scene.now - alarm.at > LATELY_S:
            continue
        cause, weight = _meaning(alarm.name, alarm.summary)
        sentence = f"the alert {quote(alarm.name)} fires: {quote(alarm.summary)}".removesuffix(": ")
        found = Evidence(cause, scene.service, weight, sentence)
        if cause not in best or best[cause].weight < weight:
            best[cause] = found
    yield from best.values()


def _meaning(name: str, summary: str) -> tuple[str, float]:
    """
    >>> _meaning("KubePodMemoryHigh", ""), _meaning("Odd", "the disk is slow"), _meaning("Watchdog", "")
    (('memory_leak', 3.0), ('disk_full', 1.5), ('unknown', 0.5))
    """
    for text, weight in ((_words(name), NAMED), (_words(summary), TOLD)):
        for pattern, cause in _MEANINGS:
            if pattern.search(text):
                return cause, weight
    return "unknown", UNCLEAR


def _words(text: str) -> str:
    """
    >>> _words("HTTPLatencyP99_high")
    'http latency p99 high'
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.]", " ", text)
    return " ".join(apart.lower().split())
