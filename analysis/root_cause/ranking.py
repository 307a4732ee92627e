"""Fuses evidence into ranked causes: log-odds add up, a soft-max makes them probabilities."""

from collections import defaultdict
from math import exp, log1p

from msgspec import Struct

from analysis.blame import dependency_evidence
from analysis.evidence import Evidence, Scene
from analysis.symptoms import own_evidence
from analysis.witnesses import witnesses

UNKNOWN = "unknown"
UNKNOWN_WEIGHT = 1.0  # how little must speak for a cause before it is better than "unknown"
REFUTED = 2.5  # what a fix that did not help takes from its cause
ADVISED = 1.0  # what a language model may add: it orders causes that are close, and overrules nothing clear
EXPLAINED = 0.3  # how much of a symptom is left to the caller when a dependency explains it
EXPLAINING = 2.5  # from this weight a dependency explains it
CRASH_EXPLAINED = (
    0.4  # how much of an exit of its own accord is a cause and no symptom, when another cause is at hand
)
CRASH_EXPLAINING = 4.0
MOST_SENTENCES = 5
MOST_RIVALS = 4
LEAST_CONFIDENCE = 0.01

# What a failing dependency does to its callers; their own changes stay half as suspect.
_EXPLAINABLE = {"hang": EXPLAINED, "unknown": EXPLAINED, "network_latency": EXPLAINED, "traffic_spike": EXPLAINED,
                "cpu_saturation": EXPLAINED, "bad_deploy": 0.5, "config_error": 0.5}  # fmt: skip


class Ranked(Struct, frozen=True):
    """One cause with its probability and what speaks for it, strongest first."""

    cause: str
    service: str
    confidence: float
    evidence: tuple[str, ...]
    witnesses: int = 0  # against a culprit that is another service


def rank(scene: Scene) -> tuple[Ranked, ...]:
    """All causes that anything speaks for, most probable first; never empty, for "unknown" is a cause too."""
    gathered = _gather(scene)
    scores = {key: _score(scene, key, items) for key, items in gathered.items()}
    unknown = (UNKNOWN, scene.service)
    scores[unknown] = scores.get(unknown, 0.0) + UNKNOWN_WEIGHT
    total = sum(exp(score) for score in scores.values())
    ranked = [
        Ranked(
            cause,
            service,
            round(exp(score) / total, 3),
            _sentences(scene, (cause, service), gathered),
            witnesses(scene, service),
        )
        for (cause, service), score in scores.items()
    ]
    ranked.sort(key=lambda item: (-item.confidence, item.cause, item.service))
    kept = [item for item in ranked[1:] if item.confidence >= LEAST_CONFIDENCE]
    return (ranked[0], *kept[:MOST_RIVALS])


def _gather(scene: Scene) -> dict[tuple[str, str], list[Evidence]]:
    below = [*dependency_evidence(scene), *(item for item in scene.figures if item.service != scene.service)]
    own = [*own_evidence(scene), *(item for item in scene.figures if item.service == scene.service)]
    blamed: dict[str, float] = defaultdict(float)
    for item in below:
        blamed[item.service] += item.weight
    view = scene.view
    sent = (
        view.signal is not None or view.process_state in ("T", "t") or scene.opened_by == "failure_predicted"
    )
    worst = max(blamed.values(), default=0.0)
    if sent and not (view.missing or view.boot_words):
        below = [_scaled(item, EXPLAINED) for item in below]  # no dependency sends its callers signals
    elif worst >= EXPLAINING:
        own = [_scaled(item, _EXPLAINABLE.get(item.cause, 1.0)) for item in own]
    own = _crash_explained(scene, own, worst)
    gathered: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for item in own + below:
        gathered[item.cause, item.service].append(item)
    return gathered


def _crash_explained(scene: Scene, own: list[Evidence], blamed: float) -> list[Evidence]:
    """Ending with an exit code is what a broken release, file or setting looks like; so is a boot that lacks a peer."""
    totals: dict[str, float] = defaultdict(float)
    for item in own:
        totals[item.cause] += item.weight
    other = max((weight for cause, weight in totals.items() if cause not in ("crash", UNKNOWN)), default=0.0)
    by_itself = scene.view.signal is None and other >= CRASH_EXPLAINING
    boot_explained = bool(scene.view.boot_words) and blamed >= CRASH_EXPLAINING
    if not (by_itself or scene.view.missing or boot_explained):
        return own
    return [_scaled(item, CRASH_EXPLAINED) if item.cause == "crash" else item for item in own]


def _scaled(item: Evidence, factor: float) -> Evidence:
    return Evidence(item.cause, item.service, item.weight * factor, item.sentence)


def _score(scene: Scene, key: tuple[str, str], items: list[Evidence]) -> float:
    score = sum(item.weight for item in items)
    score += min(2.0, log1p(scene.confirmed.get(key, 0)))
    score += ADVISED * (key == scene.advised)
    return score - REFUTED * sum(refuted == key for refuted in scene.refuted)


def _sentences(
    scene: Scene, key: tuple[str, str], gathered: dict[tuple[str, str], list[Evidence]]
) -> tuple[str, ...]:
    items = sorted(gathered.get(key, ()), key=lambda item: -item.weight)
    sentences = list(dict.fromkeys(item.sentence for item in items))[:MOST_SENTENCES]
    if times := scene.confirmed.get(key, 0):
        sentences.append(f"{times} past incidents that looked the same had this cause")
    if key == scene.advised:
        sentences.append("a language model thinks so too")
    if times := sum(refuted == key for refuted in scene.refuted):
        sentences.append(f"a fix for it did not help ({times} so far)")
    return tuple(sentences)
