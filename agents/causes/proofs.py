"""Which changes a service has stood: good probes in a row since then, by the life that fails now or by one begun after it."""

from msgspec import Struct

from agents.events import ProbeObserved

IN_A_ROW = 3  # as many as verify a restart
MOST = 8  # failures that are remembered as none of a change's making
ROLLED_OUT_S = 600.0  # a platform goes on answering from the release before until the new one stands; then it counts as good


class Run(Struct):
    """The newest good probes of one life, and the last time that there were enough of them."""

    incarnation: str = ""
    seen_at: float = 0.0  # when this life was first probed
    good: tuple[float, ...] = ()
    proven_at: float = -1.0  # the first of the newest good ones in a row
    proven_life: str = ""
    proven_life_seen_at: float = 0.0
    innocent: tuple[tuple[float, str], ...] = ()  # (when changed, what the failure looks like)


class Proofs:
    """A cache: after a start of our own nothing is proven, and every young change is suspect again."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def hear(self, probe: ProbeObserved) -> None:
        run = self._runs.get(probe.service)
        if run is None:
            run = self._runs[probe.service] = Run(probe.incarnation, probe.at)
        if run.incarnation != probe.incarnation:
            run.incarnation, run.seen_at, run.good = probe.incarnation, probe.at, ()
        if not probe.ok:
            run.good = ()
            return
        run.good = (*run.good, probe.at)[-IN_A_ROW:]
        if len(run.good) == IN_A_ROW:
            run.proven_at, run.proven_life, run.proven_life_seen_at = (
                run.good[0],
                run.incarnation,
                run.seen_at,
            )

    def stood(self, service: str, kind: str, changed_at: float, failing: str, sign: str) -> bool:
        """Whether it answered well with what was changed; `failing` is the life that fails now, `sign` how it looks.

        A life from before the change that does well says nothing of what the next one will load. If it is the one that
        fails, it has either loaded the change and stood it, or has nothing to do with it; nor has then the next life that
        fails in the same way.
        """
        run = self._runs.get(service)
        if run is None:
            return False
        if (changed_at, sign) in run.innocent:
            return True
        if run.proven_at <= changed_at + (ROLLED_OUT_S if kind == "deploy" else 0.0):
            return False
        if run.proven_life_seen_at <= changed_at and run.proven_life != failing:
            return False
        run.innocent = (*run.innocent, (changed_at, sign))[-MOST:]
        return True
