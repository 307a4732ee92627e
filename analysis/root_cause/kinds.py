"""What a metric tells of, read from the words of its name.

>>> kind_of("container_cpu_usage_seconds_total"), kind_of("PodServerLatencyP90"), kind_of("availability-Average")
('cpu', 'latency', 'good')
>>> kind_of("http_request_duration_seconds_per_s"), kind_of('http_requests_per_s{path="/cpu",code="503"}')
('traffic', 'bad')
"""

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["cpu", "memory", "latency", "good", "bad", "traffic", "network", "disk", "other"]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_FAILED = re.compile(r'(?:code|status)="5')
_TIMED = frozenset({"latency", "duration", "rtt"})
_TIMES = _TIMED | {"seconds", "ms"}
_DISKS = frozenset({"disk", "fs", "filesystem", "io"})
_READ: tuple[tuple[Kind, frozenset[str]], ...] = (  # the first that fits
    ("good", frozenset({"success", "availability", "available"})),
    ("latency", _TIMED),
    ("bad", frozenset({"error", "errors", "failure", "failures", "fail", "fault", "5xx", "4xx", "exceptions"})),
    ("cpu", frozenset({"cpu", "processor"})),
    ("memory", frozenset({"memory", "mem", "rss", "heap"})),
    ("traffic", frozenset({"workload", "requests", "request", "rps", "qps", "calls"})),
    ("network", frozenset({
        "network", "net", "packets", "netstat", "tcp", "octets", "sockstat", "softnet", "receive", "transmit",
    })),
    ("disk", _DISKS),
)  # fmt: skip
_TYPICAL = ("average", "mean", "avg", "median", "p50", "p75", "p90", "p95", "p99")


@lru_cache(maxsize=100_000)
def words_of(metric: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(metric))


@lru_cache(maxsize=100_000)
def kind_of(metric: str) -> Kind:
    base, _, labels = metric.partition("{")
    words = set(words_of(base))
    if _FAILED.search(labels):
        return "bad"
    if base.endswith("_per_s") and words & _TIMED:  # so many of what is timed
        return "traffic"
    if words & _TIMES and words & {"disk", "io"}:
        return "disk"
    if "memory" in words and not words & _TIMED:  # memory_failures_total counts page faults
        return "memory"
    for kind, known in _READ:
        if words & known:
            return kind
    return "other"


def typical(metric: str) -> int:
    """How well a latency speaks for all requests, the least first: a mean is better than a tail."""
    joined = "".join(words_of(metric))
    return next((place for place, word in enumerate(_TYPICAL) if word in joined), len(_TYPICAL))
