"""What a service's own symptoms say: each rule turns one kind of observation into evidence."""

from collections.abc import Callable, Iterator

from analysis.alarms import alarmed
from analysis.asked import asked
from analysis.drain import alike
from analysis.errors import new_error
from analysis.evidence import Change, Deviation, Evidence, Scene, View
from analysis.signatures import (
    cannot_connect,
    exception,
    has_traceback,
    is_overloaded,
    is_slow,
    is_stuck,
    names_file,
    never_began,
    symptoms,
)

STOPPED = ("T", "t")
KILL = 9
ASKED = (1, 2, 15)  # HUP, INT, TERM; a shell makes 128 and the number of it
NEAR_CEILING = 0.9
BUSY_PERCENT = 90.0
SPINS_PERCENT = 50.0  # of a process that gives no answer: one that waits uses none
DEVIATION_HALF_LIFE_S = 15.0
ASKED_FOR = 0.3  # what is left of it where the words ask for something else
STOOD = 0.2  # how much of the suspicion is left to what it has answered well with
RELAPSED = 4.0  # what each restart that helped only for a while adds to that
BLAMED = {"release": ("bad_deploy", 5.0), "deploy": ("bad_deploy", 5.0), "config": ("config_error", 4.0)}


def ended(scene: Scene) -> Iterator[Evidence]:
    """The process is gone."""
    view = scene.view
    if not view.ended:
        return
    if view.signal is None and view.exit_code is None and never_began(view.reason):
        yield _own(scene, "config_error", 7.0, f"it cannot even be started: {view.reason}")
        return
    if view.signal is not None:
        ran_out = view.signal == KILL and (view.memory_share or 0.0) >= NEAR_CEILING
        yield _own(scene, "crash", 3.0 if ran_out else 6.0, f"the process was ended by signal {view.signal}")
        if ran_out:
            share = view.memory_share or 0.0
            yield _own(
                scene, "memory_leak", 5.0, f"it was killed while it used {share:.0%} of its memory ceiling"
            )
    elif view.exit_code is None:
        yield _own(scene, "crash", 5.0, "the process is not there any more")
    else:
        yield _own(scene, "crash", 3.5, f"the process ended with exit code {view.exit_code}")
    if view.exit_code and (last_words := exception(view.text)):
        weight = 1.0 if has_traceback(view.text) else 0.5
        yield _own(scene, "crash", weight, f"its last words: {last_words}")


def silent(scene: Scene) -> Iterator[Evidence]:
    """The process lives and says nothing."""
    view = scene.view
    if view.process_state in STOPPED and not view.ended:
        yield _own(scene, "hang", 8.0, "the process is stopped by a signal")
    lives = "the process lives, and " if view.is_child else ""
    if passes_on(scene):
        return
    if view.symptom == "timeout" and view.is_child and (view.cpu_percent or 0.0) >= SPINS_PERCENT:
        busy = f"its probe gets no answer in time while it uses {view.cpu_percent:.0f} % of a processor"
        yield _own(scene, "cpu_saturation", 3.5, busy)
        yield _own(scene, "hang", 1.5, busy)
    elif view.symptom == "timeout":
        yield _own(scene, "hang", 3.5, f"{lives}its probe gets no answer in time")
    elif view.symptom == "refused":
        yield _own(scene, "hang", 3.0 if lives else 1.0, f"{lives}nobody listens where its probe asks")
        if not lives:
            yield _own(scene, "crash", 2.0, "nobody listens where its probe asks, as where it does not run")
    elif view.symptom == "stale_heartbeat":
        yield _own(scene, "hang", 3.5, f"{lives}its heartbeat is stale")


def passes_on(scene: Scene) -> bool:
    """It is a way to somebody, run by somebody else, and those whom it leads to are well: a tunnel, a proxy, a line."""
    view = scene.view
    return (
        view.is_elsewhere
        and bool(view.peers)
        and all(peer.ok and not peer.slow for peer in view.peers)
        and len(view.peers) == len(view.depends_on)
    )


def between(scene: Scene) -> Iterator[Evidence]:
    """Both ends are well, and the way between them is not."""
    view = scene.view
    if not passes_on(scene):
        return
    ends = f"{' and '.join(view.depends_on)} answers well, and {view.name}, which leads there,"
    if view.symptom == "timeout":
        yield _own(scene, "network_latency", 4.0, f"{ends} gives no answer in time")
    elif view.symptom == "refused":
        yield _own(scene, "packet_loss", 2.5, f"{ends} cannot be reached")
        yield _own(scene, "crash", 2.0, "nobody listens where its probe asks, as where it does not run")
    elif view.symptom == "error":
        yield _own(scene, "packet_loss", 4.0, f"{ends} breaks off: {view.reason}")


def negative(scene: Scene) -> Iterator[Evidence]:
    """It answers, and the answer says no."""
    view = scene.view
    if view.symptom not in ("bad_status", "error"):
        return
    answer = (
        f"it answers HTTP {view.status}"
        if view.status
        else f"its probe fails: {view.reason or 'no reason given'}"
    )
    yield _own(scene, "unknown", 0.5, answer)
    if is_overloaded(view.reason) or is_overloaded(view.answer) or is_overloaded(view.text[-512:]):
        yield _own(scene, "traffic_spike", 2.5, "it says that it is overloaded")
    elif is_stuck(view.answer) or is_stuck(view.reason):
        yield _own(scene, "hang", 2.5, "it says that its work does not go on")
    elif is_slow(view.reason) or is_slow(view.answer) or is_slow(view.text[-512:]):
        busy = (view.cpu_percent or 0.0) >= BUSY_PERCENT
        cause = "cpu_saturation" if busy else "network_latency"
        yield _own(
            scene,
            cause,
            2.5,
            "it says that it is slow" + (" while its processor time is used up" if busy else ""),
        )


def changed(scene: Scene) -> Iterator[Evidence]:
    """What worked before a change and fails after it was broken by the change, the sooner the surer.

    Of each kind the last one alone: with those before it worked.
    """
    newest = {change.kind: change for change in scene.view.changes if change.kind in BLAMED}
    for change in newest.values():
        age_s = scene.now - change.at
        if 0 <= age_s <= scene.suspect_s:
            yield _after_change(scene, change, age_s)


def _after_change(scene: Scene, change: Change, age_s: float) -> Evidence:
    view = scene.view
    cause, weight = BLAMED[change.kind]
    if change.stood:
        weight = STOOD * weight + (RELAPSED * change.relapses if _never_before(scene, change) else 0.0)
    if view.signal == KILL or view.process_state in STOPPED or scene.opened_by == "failure_predicted":
        weight = 1.0  # no release sends itself such a signal
    elif change.kind != "deploy" and _made_way(view, change):  # a deploy on Render lets nothing end
        weight = 1.0  # so does a deployment bring in what it has put in place
    elif view.exit_code and cannot_connect(view.text):
        weight *= 0.5  # so ends a good release, too, while somebody else is away
    if asked(scene.service, view.text):
        weight *= ASKED_FOR  # so a good release fails, too, and the one before would
    step = f" from {change.before} to {change.after}" if change.before or change.after else ""
    sentence = f"its {change.kind} ({change.what}) was changed{step} {age_s:.0f} s before"
    return _own(scene, cause, weight * (1 - 0.7 * age_s / scene.suspect_s), sentence)


def _never_before(scene: Scene, change: Change) -> bool:
    """Nothing that looked like this was healed before the change."""
    return sum(scene.confirmed.values()) <= change.relapses


def _made_way(view: View, change: Change) -> bool:
    """It ran before the change, and ended as it does when it is told to, for all that we know."""
    older = view.started_at is None or view.started_at <= change.at
    if view.signal is None and view.exit_code is None:
        return view.ended and older
    return view.ended and older and (view.signal in ASKED or view.exit_code in {0, *(128 + n for n in ASKED)})


def damaged(scene: Scene) -> Iterator[Evidence]:
    """A declared file fails its check, or the service complains of one."""
    view = scene.view
    for path, problem in view.damaged:
        yield _own(scene, "state_corruption", 6.5, f"{path} is damaged: {problem}")
    if view.signal is None:
        for path in view.files:
            if line := names_file(view.text, path):
                yield _own(scene, "state_corruption", 1.5, f"it speaks of {path}: {line}")
                break


def said(scene: Scene) -> Iterator[Evidence]:
    """Known sentences in what it wrote."""
    view = scene.view
    factor = 0.3 if view.signal is not None or view.process_state in STOPPED else 1.0
    for reading in symptoms(f"{view.text}\n{view.answer}\n{view.reason}"):
        yield _own(
            scene, reading.cause, reading.weight * reading.recency * factor, f"it says: {reading.line}"
        )


def first_said(scene: Scene) -> Iterator[Evidence]:
    """An error of a kind that no earlier trouble showed: with a change at hand, the change brought it."""
    view = scene.view
    line = new_error(view.text, view.said) if view.signal is None else ""
    if not line:
        return
    recent = [change for change in view.changes if 0 <= scene.now - change.at <= scene.suspect_s]
    blamed = [BLAMED[change.kind][0] for change in recent if change.kind in BLAMED and not change.stood]
    cause, weight = (blamed[-1], 1.0) if blamed else ("unknown", 0.0)
    yield _own(scene, cause, weight, f"it never said this in earlier troubles: {line}")


def running_out(scene: Scene) -> Iterator[Evidence]:
    """A resource runs out."""
    view = scene.view
    for ceiling in view.ceilings:
        if ceiling.incarnation == view.incarnation or not view.incarnation:
            weight = 6.5 if scene.opened_by == "failure_predicted" else 2.0
            yield _own(scene, ceiling.cause, weight, ceiling.sentence)
    if not view.ended and (view.memory_share or 0.0) >= NEAR_CEILING:
        yield _own(scene, "memory_leak", 2.0, f"it uses {view.memory_share or 0.0:.0%} of its memory ceiling")


def deviating(scene: Scene) -> Iterator[Evidence]:
    """Metrics that were far from their usual level: the longer ago, the less it says; one word for each cause."""
    best: dict[str, Evidence] = {}
    for deviation in scene.view.lately(scene.now):
        if (meaning := _meaning(deviation)) is None:
            continue
        cause, weight = meaning
        sentence = f"{deviation.metric} is {deviation.value:.3g}, usually {deviation.expected:.3g}"
        faded = weight * 0.5 ** ((scene.now - deviation.at) / DEVIATION_HALF_LIFE_S)
        found = _own(scene, cause, faded, sentence)
        if cause not in best or best[cause].weight < found.weight:
            best[cause] = found
    yield from best.values()


def _meaning(deviation: Deviation) -> tuple[str, float] | None:
    metric = deviation.metric.partition("{")[0]
    if deviation.value <= deviation.expected:
        return None
    if metric.endswith("_per_s") and "request" in metric:
        return "traffic_spike", 2.0
    if metric.endswith("_mean"):
        return "network_latency", 0.7
    return {"cpu_percent": ("cpu_saturation", 1.0), "rss_mib": ("memory_leak", 1.0)}.get(metric)


RULES: tuple[Callable[[Scene], Iterator[Evidence]], ...] = (
    ended, silent, between, negative, changed, damaged, said, first_said, running_out, deviating, alarmed,
)  # fmt: skip


def own_evidence(scene: Scene) -> Iterator[Evidence]:
    for rule in RULES:
        yield from rule(scene)


def signature(view: View) -> str:
    """What makes two incidents of one service look the same."""
    sign = view.signal if view.signal is not None else view.status or view.exit_code
    alarm = f"alert {view.alarms[-1].name}" if view.alarms else ""
    return f"{view.name}|{view.symptom or alarm}|{sign or ''}|{exception(view.text)}"


def looks_like(one: str, other: str) -> bool:
    """Whether two signatures are of one kind: all is the same but words in the exception's message.

    >>> looks_like("shop|exit|1|KeyError: 'a17'", "shop|exit|1|KeyError: 'b'"), looks_like("shop|exit|1|", "shop|exit|2|")
    (True, False)
    """
    if one == other:
        return True
    *same, said = one.split("|", 3)
    *others, heard = other.split("|", 3)
    return same == others and alike(said, heard)


def _own(scene: Scene, cause: str, weight: float, sentence: str) -> Evidence:
    return Evidence(cause, scene.service, weight, sentence)
