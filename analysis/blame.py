"""Walks down the dependency graph: who fails because of whom; the deepest failing dependency is to blame."""

from collections.abc import Iterator

from analysis.evidence import Evidence, Peer, Scene, View
from analysis.signatures import connection_trouble, speaks_of_connections, turned_down
from analysis.symptoms import BLAMED
from analysis.witnesses import JUST_STARTED_S, MANY, fail_together

ILL = ("unhealthy", "down")
FAILING = (*ILL, "stopped", "starting")  # of the latter two an old reason tells nothing
CONTRADICTED = 0.3  # what old text says of a peer counts so much when the peer answers well
PASSES_ON = (502, 503, 504)  # HTTP: whom I need does not answer
PASSED_ON = 0.8
SUSPECT = 1.5  # below this a dependency is not walked into
DEEPER = 2.0  # nor below this one of those further down: that it was started just now says little of its callers' callers
MOST = 6.5


def dependency_evidence(scene: Scene) -> Iterator[Evidence]:
    """Evidence against the deepest suspects below the service of the incident."""
    for culprit, weight, sentences in _suspects(scene, scene.service, frozenset()):
        share = min(weight, MOST) / len(sentences)
        for sentence in sentences:
            yield Evidence("dependency_failure", culprit, share, sentence)
    yield from _changed_below(scene)


def _changed_below(scene: Scene) -> Iterator[Evidence]:
    """A dependency that was changed a moment ago and turns its caller down, or fails it, was broken by the change."""
    caller = scene.view
    said = f"{caller.answer}\n{caller.reason}"
    for name in caller.depends_on:
        suspect = scene.views.get(name)
        changes = [change for change in suspect.changes if change.kind in BLAMED] if suspect else []
        if suspect is None or not changes or caller.ended:
            continue
        age_s = scene.now - changes[-1].at
        trouble = connection_trouble(said, name, suspect.addresses)
        line = turned_down(said, name, suspect.addresses) or (trouble.line if trouble else "")
        if line and 0 <= age_s <= scene.suspect_s:
            cause, weight = BLAMED[changes[-1].kind]
            told = f"{name}, of which {caller.name} says: {line}, had its {changes[-1].kind} changed {age_s:.0f} s before"
            yield Evidence(cause, name, weight * (1 - 0.7 * age_s / scene.suspect_s), told)


def _suspects(
    scene: Scene, caller: str, above: frozenset[str], least: float = SUSPECT
) -> Iterator[tuple[str, float, list[str]]]:
    view = scene.views.get(caller)
    for name in _needed(scene, view) if view else ():
        if name in above or name not in scene.views or view is None:
            continue
        signs = list(_signs(scene, view, scene.views[name]))
        weight = sum(weight for weight, _ in signs)
        if weight < least:
            continue
        sentences = [sentence for _, sentence in signs]
        deeper = list(_suspects(scene, name, above | {caller}, DEEPER))
        for culprit, below, reasons in deeper:
            yield culprit, max(weight, below), sentences + reasons
        if not deeper:
            yield name, weight, sentences


def _needed(scene: Scene, caller: View) -> Iterator[str]:
    """What was declared, and whoever it complains of by address, or by name where that one is ill."""
    yield from caller.depends_on
    words = f"{caller.text}\n{caller.answer}\n{caller.reason}"
    if not speaks_of_connections(words):
        return
    for other in scene.views.values():
        if other.name in {caller.name, *caller.depends_on}:
            continue
        name = other.name if other.health in (*ILL, "stopped") else ""
        if connection_trouble(words, name, other.addresses):
            yield other.name


def _signs(scene: Scene, caller: View, suspect: View) -> Iterator[tuple[float, str]]:
    """What speaks against one direct dependency."""
    peer = next((peer for peer in caller.peers if peer.name == suspect.name), None)
    declared = suspect.name in caller.depends_on  # else nobody looked at it
    well = peer is not None and peer.ok is True and not peer.slow if declared else suspect.health == "healthy"
    yield from _look(caller, peer)
    if suspect.health in FAILING:
        told = f": {suspect.reason}" if suspect.reason and suspect.health in ILL else ""
        who = f"on which {caller.name} depends" if declared else f"of which {caller.name} speaks"
        yield (2.5 if well else 4.5), f"{suspect.name}, {who}, is {suspect.health}{told}"
    age_s = scene.now - suspect.started_at if suspect.started_at is not None else -1.0
    if 0 <= age_s <= JUST_STARTED_S and suspect.health not in {"down", "stopped"}:
        yield 1.5, f"{suspect.name} was started {age_s:.0f} s before"
    yield from _words(scene, caller, suspect, well=well)
    if declared and caller.name in (callers := fail_together(scene, suspect.name)):
        weight = 3.5 if len(callers) >= MANY else 3.0
        yield weight, f"{_list(callers)}, which all depend on {suspect.name}, fail at once"
    for deviation in suspect.lately(scene.now):
        if deviation.metric.partition("{")[0].endswith("_mean") and deviation.value > deviation.expected:
            usual = f"usually {deviation.expected:.3g}"
            yield 1.5, f"{deviation.metric} of {suspect.name} is {deviation.value:.3g}, {usual}"
            break


def _list(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _words(scene: Scene, caller: View, suspect: View, *, well: bool) -> Iterator[tuple[float, str]]:
    """What the caller says of it: before a boot failed, in its last answer, in its log."""
    name, addresses = suspect.name, suspect.addresses
    booting = connection_trouble(caller.boot_words, name, addresses)
    if name in caller.missing:
        yield 3.0, f"{caller.name} failed to boot while {name} was missing"
    elif booting:
        yield 3.0, f"{caller.name} failed to boot for want of {name}"
    now = booting or connection_trouble(f"{caller.answer}\n{caller.reason}", name, addresses)
    if reading := now or connection_trouble(caller.text, name, addresses):
        factor = _contradicted(scene, caller) if well and now is None else 1.0
        yield reading.weight * reading.recency * factor, f"{caller.name} says: {reading.line}"


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
