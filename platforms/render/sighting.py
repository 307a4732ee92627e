"""What was seen of one service of Render, and what follows from it: does it live, which life is it, who stopped it."""

from collections import deque
from math import inf

from msgspec import Struct, field

from config.model import Service
from config.on_render import RenderPlatform
from platforms.platform import CLEAR, Exit, Incarnation, Sight
from platforms.render.shapes import (
    CRASH_LOOPING,
    FAILED,
    Deploy,
    Instance,
    RenderEvent,
    RenderService,
    Store,
    exit_code,
    failure,
    unix,
)

LOOP_S = 300.0  # so many failures of one release within this time are a crash loop
LOOP_FAILURES = 3
LOOP_OVER_S = 180.0  # without another failure it has come to an end
NEWS_S = 90.0  # for which a failure explains why nothing runs
REPLACING_S = 900.0  # Render gives a deploy no longer than this to become healthy
UNKNOWN = "not seen yet"  # a life of which nothing is known
_GONE = frozenset({"unavailable", "suspended", "recovery_failed"})


class Sighting(Struct, kw_only=True):
    """Times of Render's own clock end in `_at`; `looked_s` is of our loop."""

    service: Service
    remote: RenderService | None = None
    store: Store | None = None
    deploys: list[Deploy] = []
    instances: list[Instance] = []
    failures: deque[RenderEvent] = field(default_factory=lambda: deque(maxlen=20))
    heard: deque[str] = field(default_factory=lambda: deque(maxlen=200))  # events, by id
    heard_until: float = 0.0
    restarted_at: float = 0.0
    render_now: float = 0.0  # Render's clock, as far as we can tell
    looked_s: float = -inf
    mark: str = UNKNOWN
    dead: str = ""  # why it does not run
    output: str = ""
    output_s: float = -inf
    busy_until_s: float = -inf

    @property
    def platform(self) -> RenderPlatform:
        assert isinstance(self.service.platform, RenderPlatform)
        return self.service.platform

    @property
    def id(self) -> str:
        found = self.remote or self.store
        return found.id if found is not None else self.platform.id

    @property
    def is_known(self) -> bool:
        if self.store is not None:
            return True
        return self.remote is not None and (self.looked_s > -inf or not self.remote.runs)

    @property
    def live(self) -> Deploy | None:
        return next((each for each in self.deploys if each.status == "live"), None)

    @property
    def under_way(self) -> Deploy | None:
        """The deploy that is being worked on; one that waits comes after it."""
        ongoing = [each for each in self.deploys if each.is_under_way]
        return next((each for each in ongoing if each.status != "queued"), ongoing[0] if ongoing else None)

    @property
    def suspenders(self) -> list[str]:
        found = self.remote or self.store
        return found.suspenders if found is not None and found.suspended == "suspended" else []

    @property
    def is_busy(self) -> bool:
        """Something goes on that is worth a close look."""
        return bool(self.dead) or self.under_way is not None or not self.is_known

    @property
    def is_replaced(self) -> bool:
        """Its only instance makes way for the next one: nothing answers meanwhile, and that is no trouble."""
        if self.remote is None or self.remote.service_details.disk is None or self.under_way is None:
            return False
        young = self.render_now - self.under_way.began_at < REPLACING_S
        return self.under_way.status == "update_in_progress" and young

    def sight(self) -> Sight:
        if not self.is_known:
            return Sight(is_known=False)
        if self.suspenders and CRASH_LOOPING not in self.suspenders:
            return Sight(rests=f"suspended on Render ({', '.join(self.suspenders)})")
        return Sight(settings=self._settings()) if self.remote is not None else CLEAR

    def _settings(self) -> dict[str, str]:
        assert self.remote is not None
        details, newest = self.remote.service_details, self.deploys[0] if self.deploys else None
        failed = f"{newest.release} ({newest.status})" if newest and newest.status in FAILED else ""
        found = {
            "auto_deploy": "on" if self.remote.auto_deploy == "yes" else "off",
            "config": f"plan {details.plan}, branch {self.remote.branch}, health check {details.health_check_path or 'none'}",
            "deploy_failed": failed,
        }
        return found | ({"deploy": self.live.release} if self.live is not None else {})

    def current(self) -> Incarnation | None:
        if self.dead or (self.suspenders and self.is_known):
            return None
        crashed = any(self.render_now - event.at < NEWS_S for event in self.failures)
        boots = crashed or not self.instances or self.under_way is not None
        return Incarnation(self.service.name, self.mark, 0, 0.0, serves=not boots)

    # --- what a look changes ---

    def hear(self, events: list[RenderEvent]) -> bool:
        """Newest first. Whether there is news."""
        new = [event for event in reversed(events) if event.id not in self.heard]
        for event in new:
            self.heard.append(event.id)
            self.heard_until = max(self.heard_until, event.at)
            if event.type == "server_failed":
                self.failures.append(event)
            elif event.type in {"server_restarted", "service_resumed"}:
                self.restarted_at = max(self.restarted_at, event.at)
        return bool(new)

    def judge(self) -> Exit | None:
        """After each look: the end of the life that was, where it is over and no other has begun."""
        before, was_known = self.mark, self.mark != UNKNOWN
        why = self._why_dead()
        self.mark = self._mark()
        if not why or self.dead:
            self.dead = why
            return None
        self.dead = why
        last = self.failures[-1] if self.failures else None
        life = Incarnation(self.service.name, before if was_known else self.mark, 0, 0.0)
        told = last is not None and self.render_now - last.at < NEWS_S
        return Exit(life, exit_code(last) if told and last else None, output=self.output, reason=why)

    def _why_dead(self) -> str:
        if self.store is not None:
            return f"Render says that it is {self.store.status}" if self.store.status in _GONE else ""
        remote = self.remote
        if remote is None or not remote.runs:
            return ""
        if remote.is_suspended:
            looping = CRASH_LOOPING in remote.suspenders
            return f"Render suspended it after many crashes ({CRASH_LOOPING})" if looping else ""
        last = self.failures[-1] if self.failures else None
        if not self.instances and self.live is not None and not self._makes_way():
            if last is not None and self.render_now - last.at < NEWS_S and last.at > self.restarted_at:
                return failure(last)
            return "none of its instances runs" if self.under_way is None else ""
        recent = [event for event in self.failures if event.at > max(self.render_now - LOOP_S, self._since())]
        if len(recent) >= LOOP_FAILURES and self.render_now - recent[-1].at < LOOP_OVER_S:
            return f"{failure(recent[-1])}; {len(recent)} times within {LOOP_S / 60:.0f} min"
        return ""

    def _makes_way(self) -> bool:
        return self.under_way is not None and self.under_way.status == "update_in_progress"

    def _since(self) -> float:
        """What failed before the present release, or before a restart, is past."""
        released = max(unix(self.live.finished_at), self.live.began_at) if self.live is not None else 0.0
        return max(released, self.restarted_at)

    def _mark(self) -> str:
        """Release and newest instance. During a deploy both old and new instances run: it stays as it was."""
        if self.store is not None:
            return self.store.id
        if self.remote is None:
            return UNKNOWN
        release = self.live.id if self.live is not None else "none"
        same = self.mark.partition("/")[0] == release
        if not self.instances or (self.under_way is not None and same):
            return self.mark if same else release
        return f"{release}/{max(self.instances, key=lambda each: (each.born_at, each.id)).id}"
