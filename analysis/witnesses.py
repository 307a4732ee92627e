"""Who speaks against a service that answers its own probe well, and yet may fail those who need it."""

from collections.abc import Callable

from analysis.evidence import Scene, View
from analysis.signatures import connection_trouble
from config.graph import independent

SERVING = ("healthy", "unhealthy")  # neither booting nor gone
TOGETHER = 2  # so many callers that fail at once are no accident
MANY = 3
BUSY_PERCENT = 50.0  # of one processor: it may be a peak of load that passes
JUST_STARTED_S = 10.0  # who was started just now may still warm up


def fail_together(scene: Scene, name: str) -> tuple[str, ...]:
    """Callers of a service that fail at once, each for itself: most of all its callers, and at least two."""
    views = scene.views
    callers = {v.name for v in views.values() if name in v.depends_on and v.probed and v.health in SERVING}
    ill = {caller for caller in callers if views[caller].health == "unhealthy"} | (callers & scene.failing)
    ill = independent(ill, {view.name: view.depends_on for view in views.values()})
    return tuple(sorted(ill)) if len(ill) >= TOGETHER and 2 * len(ill) > len(callers) else ()


def witnesses(scene: Scene, name: str) -> int:
    """How many independent signs say that it fails its callers: their words, that they fail at once, how slow it is.

    None at all where it may be warming up or has much to do: then to wait for it is better.
    """
    view = scene.views.get(name)
    if view is None or name == scene.service or _excused(scene, view):
        return 0
    words = sum(_complains(caller, view) for caller in scene.views.values() if caller.name != name)
    together = len(fail_together(scene, name))
    heard = max(words, (together >= TOGETHER) + (together >= MANY))
    idle = _cpu_percent(scene, view) is not None  # or it would be excused
    return heard + _slow(scene, view) if heard or idle else 0


def _complains(caller: View, view: View) -> bool:
    """Of this one, at this very moment."""
    said = f"{caller.answer}\n{caller.reason}"
    return caller.health == "unhealthy" and connection_trouble(said, view.name, view.addresses) is not None


def _excused(scene: Scene, view: View) -> bool:
    just_started = view.started_at is not None and 0 <= scene.now - view.started_at <= JUST_STARTED_S
    busy = (_cpu_percent(scene, view) or 0.0) >= BUSY_PERCENT
    return just_started or busy or _rush(scene, view) or _rush(scene, scene.view)


def _cpu_percent(scene: Scene, view: View) -> float | None:
    """The newest figure: taken when its caller turned unhealthy, or after that."""
    peer = next((peer for peer in scene.view.peers if peer.name == view.name), None)
    if peer is None or peer.cpu_percent is None or view.sampled_at > scene.view.troubled_at:
        return view.cpu_percent
    return peer.cpu_percent


def _slow(scene: Scene, view: View) -> int:
    """In its own probe, and by its own figures."""
    looks = (peer for caller in scene.views.values() for peer in caller.peers)
    slow = any(peer.name == view.name and peer.ok and peer.slow for peer in looks)
    return slow + _rose(scene, view, lambda metric: metric.endswith("_mean"))


def _rush(scene: Scene, view: View) -> bool:
    return _rose(scene, view, lambda metric: metric.endswith("_per_s") and "request" in metric)


def _rose(scene: Scene, view: View, wanted: Callable[[str], bool]) -> bool:
    deviations = (each for each in view.lately(scene.now) if each.value > each.expected)
    return any(wanted(deviation.metric.partition("{")[0]) for deviation in deviations)
