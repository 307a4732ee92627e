"""Walks down the dependency graph: who fails because of whom; the deepest failing dependency is to blame."""

from collections.abc import Iterator

from analysis.evidence import Evidence, Peer, Scene, View
from analysis.signatures import connection_trouble

ILL = ("unhealthy", "down")
FAILING = (*ILL, "stopped", "starting")  # of the latter two an old reason tells nothing
JUST_STARTED_S = 10.0
CONTRADICTED = 0.3  # what old text says of a peer counts so much when the peer answers well
PASSES_ON = (502, 503, 504)  # HTTP: whom I need does not answer
PASSED_ON = 0.8
SUSPECT = 1.5  # below this a dependency is not walked into
MOST = 6.5


def dependency_evidence(scene: Scene) -> Iterator[Evidence]:
    """Evidence against the deepest suspects below the service of the incident."""
    for culprit, weight, sentences in _suspects(scene, scene.service, frozenset()):
        share = min(weight, MOST) / len(sentences)
        for sentence in sentences:
            yield Evidence("dependency_failure", culprit, share, sentence)


def _suspects(scene: Scene, caller: str, above: frozenset[str]) -> Iterator[tuple[str, float, list[str]]]:
    view = scene.views.get(caller)
    for name in view.depends_on if view else ():
        if name in above or name not in scene.views or view is None:
            continue
        signs = list(_signs(scene, view, scene.views[name]))
        weight = sum(weight for weight, _ in signs)
        if weight < SUSPECT:
            continue
        sentences = [sentence for _, sentence in signs]
        deeper = list(_suspects(scene, name, above | {caller}))
        for culprit, below, reasons in deeper:
            yield culprit, max(weight, below), sentences + reasons
        if not deeper:
            yield name, weight, sentences


def _signs(scene: Scene, caller: View, suspect: View) -> Iterator[tuple[float, str]]:
    """What speaks against one direct dependency."""
    name = suspect.name
    peer = next((peer for peer in caller.peers if peer.name == name), None)
    yield from _look(caller, peer)
    answers_well = peer is not None and peer.ok is True and not peer.slow
    if suspect.health in FAILING:
        yield (
            (2.5 if answers_well else 4.5),
            f"{name}, on which {caller.name} depends, is {suspect.health}"
            + (f": {suspect.reason}" if suspect.reason and suspect.health in ILL else ""),
        )
    if name in caller.missing:
        yield 3.0, f"{caller.name} failed to boot while {name} was missing"
    if suspect.started_at is not None and 0 <= scene.now - suspect.started_at <= JUST_STARTED_S:
        yield 1.5, f"{name} was started {scene.now - suspect.started_at:.0f} s before"
    now_said = connection_trouble(f"{caller.answer}\n{caller.reason}", name, suspect.addresses)
    reading = now_said or connection_trouble(caller.text, name, suspect.addresses)
    if reading:
        old_news = answers_well and now_said is None
        factor = _contradicted(scene, caller) if old_news else 1.0
        yield reading.weight * reading.recency * factor, f"{caller.name} says: {reading.line}"
    for deviation in suspect.lately(scene.now):
        if deviation.metric.partition("{")[0].endswith("_mean") and deviation.value > deviation.expected:
            sentence = (
                f"{deviation.metric} of {name} is {deviation.value:.3g}, usually {deviation.expected:.3g}"
            )
            yield 1.5, sentence
            break


def _contradicted(scene: Scene, caller: View) -> float:
    """Text may tell of the past: unless the caller passes an error on, or was treated in vain, a good look counts more."""
    own_blame = any(culprit == caller.name for _, culprit in scene.refuted)
    return PASSED_ON if caller.status in PASSES_ON or own_blame else CONTRADICTED


def _look(caller: View, peer: Peer | None) -> Iterator[tuple[float, str]]:
    if peer is None:
        return
    if peer.ok is False:
        yield (
            4.5,
            f"{peer.name}, on which {caller.name} depends, fails its own probe: {peer.reason or 'no answer'}",
        )
    elif peer.ok and peer.slow:
        usual = f", usually {peer.usual_latency_s:.3g} s" if peer.usual_latency_s else ""
        yield 4.0, f"{peer.name}, on which {caller.name} depends, answers in {peer.latency_s:.3g} s{usual}"
