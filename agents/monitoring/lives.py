"""Turns what was seen of each service into facts: its lives begin, become healthy or unhealthy, and end."""

from collections.abc import Callable, Collection
from typing import Any, Literal, get_args

from agents.events import ChangeObserved, DependencySeen, Event, Health, HealthChanged, Symptom
from agents.lessons import patient
from agents.monitoring.elsewhere import DEPLOY, Settings
from agents.monitoring.state import RUNNING, SUSPENDED, State
from analysis.learning.pace import confirm_s
from analysis.probe_health import UsualLatency, Vitals
from analysis.warm_up import Tolerance, tolerance
from config.model import Probe, Service
from config.world import World
from platforms.platform import Exit, Platform, ProbeResult
from platforms.probing.rounds import FROZEN, Look
from platforms.releases import last_rollback, link_of
from platforms.surroundings import LogTails, current_release, evidence, how_it_ended, tail_text

ALIVE_IS_HEALTHY_S = 1.0  # where no probe can say more
FROZEN_S = 1.0  # a shorter stop is no trouble
BLIP_S = 1.0  # looks come at least half an interval apart, at most half of this, to count as two failures
MISSING_S = 1.0  # how long a process may be gone without an exit that we saw
OUTPUT_LIMIT = 2048
ANSWER_LIMIT = 512
SWITCH_S = 3.0  # for which a life that took over from another may stumble
ROLLBACK = "rollback_release"
SOON_S = 0.25


class ServiceLives:
    """Each method returns the facts that follow, a change of the release always before its symptom."""

    def __init__(self, world: World, platform: Platform, state: Callable[[], State]) -> None:
        self._world = world
        self._platform = platform
        self._state = state
        self._logs = LogTails()
        self._vitals: dict[str, Vitals] = {}
        self._usual: dict[str, UsualLatency] = {}
        self._releases: dict[str, str] = {}
        self._noted: dict[str, str] = {}  # the newest act of ours of which a change was seen

        self._settings = Settings()
        self._missing_since: dict[str, float] = {}
        self._frozen_since: dict[str, float] = {}

    def open(self, now: float, *, rebooted: bool) -> None:
        """What was alive when we last looked is expected to be alive still."""
        self._vitals = {
            name: Vitals(life.incarnation, life.health, begun_at=now)
            for name, life in self._state().lives.items()
            if life.health in RUNNING and not rebooted
        }
        self._releases = dict(self._state().releases)
        self._settings.open(self._releases, self._state().settings)
        self._missing_since = {}

    def resume(self, now: float) -> None:
        for vitals in self._vitals.values():
            vitals.resume(now)
        self._missing_since, self._frozen_since = {}, {}

    def keep(self, names: Collection[str]) -> None:
        self._vitals = {name: vitals for name, vitals in self._vitals.items() if name in names}
        self._usual = {name: usual for name, usual in self._usual.items() if name in names}
        self._settings.keep(names)
        self._releases = {name: release for name, release in self._releases.items() if name in names}
        self._noted = {name: act for name, act in self._noted.items() if name in names}

    def of(self, name: str) -> Vitals:
        return self._vitals.setdefault(name, Vitals())

    def _rested(self, service: Service, why: str, now: float) -> list[Event]:
        """Somebody stopped it where it runs, or has let it go on."""
        if why:
            return self.stopped(service, why, symptom=SUSPENDED)
        living = self._platform.current(service.name)
        return self.begin(service, living.mark, now) if living is not None else []

    def is_stopped(self, name: str) -> bool:
        return self._state().life(name).stopped

    def mark(self, name: str) -> str | None:
        """That of the present life, if it is to be watched. In a dry run somebody else may have started it."""
        if self.is_stopped(name):
            return None
        living = self._platform.current(name)
        if living is not None:
            return living.mark
        service = self._world.config.service(name) if self._world.dry_run else None
        return "" if service is not None and service.probe is not None else None

    def notice(self, service: Service, now: float, patience_s: float = MISSING_S) -> list[Event]:
        """Look whether there is a new life, or none any more."""
        sight = self._platform.sight(service.name)
        if not sight.is_known:
            return []
        if sight.rests or self._state().life(service.name).elsewhere:
            return self._rested(service, sight.rests, now)
        vitals, mark = self.of(service.name), self.mark(service.name)
        if mark is None:
            return self._missing(service, vitals, now, patience_s) if vitals.incarnation is not None else []
        self._missing_since.pop(service.name, None)
        if mark != vitals.incarnation:
            return self.begin(service, mark, now)
        return self._alive(service, vitals, now) if service.probe is None else []

    def _alive(self, service: Service, vitals: Vitals, now: float) -> list[Event]:
        """Where no probe can say more."""
        name = service.name
        if not self._platform.is_frozen(name):
            self._frozen_since.pop(name, None)
            young = now - vitals.begun_at < ALIVE_IS_HEALTHY_S
            return [] if young or vitals.health == "healthy" else self.healthy(service, now)
        if now - self._frozen_since.setdefault(name, now) < FROZEN_S or vitals.health == "unhealthy":
            return []
        return self.unhealthy(service, FROZEN, ())

    def observe(self, service: Service, look: Look) -> Literal["healthy", "unhealthy"] | None:
        """Count one look, and learn from a good one; what the service is now, if that is news."""
        if look.ok:
            self._usual.setdefault(look.service, UsualLatency()).learn(look.result.latency_s)
        apart_s = min(service.probe.interval_s, BLIP_S) / 2 if service.probe else 0.0
        vitals, mark, at = self.of(look.service), look.incarnation, look.began_at
        boot_s = patient(service, self._state().taught).start_timeout_s
        return vitals.observe(mark, look.ok, at, boot_s, apart_s, look.result.status)

    def pace_s(self, service: Service, probe: Probe, now: float) -> float:
        """Where the optimizer has stretched the interval a second look comes soon after a bad one."""
        stretched, vitals = self._state().stretched.get(service.name), self.of(service.name)
        if stretched is None or vitals.health != "healthy":
            return probe.interval_s
        if not vitals.failed:
            return stretched * probe.interval_s
        due_s = confirm_s(probe.interval_s, probe.timeout_s) - SOON_S
        return SOON_S if now - vitals.failed_at >= due_s else probe.interval_s

    def seen(self, service: Service, look: Look | None, cpu_percent: float | None = None) -> DependencySeen:
        """What the last look at a dependency says to those who need it."""
        name = service.name
        if self.mark(name) is None:
            return DependencySeen(name, ok=False, reason="it does not run")
        if look is None:
            return DependencySeen(name, ok=True if service.probe is None else None, cpu_percent=cpu_percent)
        usual_s, result = self._usual[name].value_s() if name in self._usual else 0.0, look.result
        return DependencySeen(name, look.ok, result.latency_s, usual_s, result.reason, cpu_percent)

    def started(self, service: Service, mark: str, now: float) -> list[Event]:
        """Somebody says so; what is known already, or gone again, is no news."""
        living = self._platform.current(service.name)
        known = self.of(service.name).incarnation == mark
        return [] if known or living is None or living.mark != mark else self.begin(service, mark, now)

    def never_began(self, service: Service, reason: str) -> list[Event]:
        """It could not even be started, so there is no end to be seen: that is trouble like any other."""
        vitals, name = self.of(service.name), service.name
        if self._platform.current(name) is not None or self.is_stopped(name) or vitals.health == "down":
            return []
        vitals.end("down")
        return [self._news(service, "down", None, symptom="exit", reason=reason)]

    def begin(self, service: Service, mark: str, now: float) -> list[Event]:
        changes, vitals = self.release(service), self.of(service.name)
        vitals.begin(mark, now, self._tolerance(service))
        living = self._platform.current(service.name)
        if living is not None and living.serves:
            vitals.resume(min(now, now - service.start_timeout_s + SWITCH_S))
        self._frozen_since.pop(service.name, None)
        self._logs.begin(service)
        return [*changes, self._news(service, "starting", mark)]

    def _tolerance(self, service: Service) -> Tolerance | None:
        """Of errors while it boots: only a release that is not yet proved may be to blame for them, and go back."""
        state, release = self._state(), self._releases.get(service.name, "")
        proved = state.proved.get(service.name, "")
        return tolerance(state.warmups.get(service.name, ())) if proved and release != proved else None

    def healthy(self, service: Service, at: float) -> list[Event]:
        vitals = self.of(service.name)
        boot = vitals.boot(at) if service.probe is not None else None
        seen = {"booted_s": boot.took_s, "answered_s": boot.answered_s} if boot else {}
        if all(self.of(name).health == "healthy" for name in service.depends_on):
            seen["late_boot_s"] = vitals.late_boot_s(at)
        vitals.became("healthy")
        return [*self.release(service), self._news(service, "healthy", vitals.incarnation, **seen)]

    def unhealthy(
        self, service: Service, result: ProbeResult, dependencies: tuple[DependencySeen, ...]
    ) -> list[Event]:
        vitals = self.of(service.name)
        vitals.became("unhealthy")
        sample = self._platform.sample(service.name)
        told = self._news(
            service,
            "unhealthy",
            vitals.incarnation,
            symptom=result.symptom if result.symptom in get_args(Symptom) else "error",
            reason=result.reason or "its probe fails",
            status=result.status,
            process_state=sample.state if sample is not None else "",
            answer=tail_text(result.body, ANSWER_LIMIT),
            output=evidence(result.body, self._logs.read(service), self._printed(service)),
            dependencies=dependencies,
        )
        return [*self.release(service), told]

    def ended(self, service: Service, end: Exit) -> list[Event]:
        """An exit that we saw. One that belongs to an act is the act's own affair."""
        mark = end.incarnation.mark
        if self._platform.current(service.name) is not None:
            return []  # another life has begun already
        self.of(service.name).end("unknown")
        how = end.reason or how_it_ended(end.exit_code, end.signal)
        if self.is_stopped(service.name):
            return self.stopped(service, f"{how} after it was told to stop", mark)
        if end.wanted:
            return []  # ServiceStopped tells, unless an act goes on with a start
        self.of(service.name).end("down")
        finished = end.exit_code == 0 and service.restart != "always"
        told = self._news(
            service,
            "stopped" if finished else "down",
            mark,
            symptom="exit",
            reason=f"{how}, as it may (restart: {service.restart})" if finished else how,
            exit_code=end.exit_code,
            signal=end.signal,
            output=evidence(self._logs.read(service), end.output),
        )
        return [*self.release(service), told]

    def stopped(self, service: Service, reason: str, mark: str = "", symptom: Symptom = "") -> list[Event]:
        self.of(service.name).end("stopped")
        if self._state().life(service.name).health == "stopped":
            return []
        return [self._news(service, "stopped", mark, reason=reason, symptom=symptom)]

    def release(self, service: Service) -> list[Event]:
        """Look where the release link points. What an act of ours changed is no news, and known from then on."""
        if service.release is None:
            return self._changed_elsewhere(service)
        before, after = self._releases.get(service.name, ""), current_release(service)
        if after in {"", before}:
            return []
        self._releases[service.name] = after
        if self._is_ours(service, before, after) or not before:
            return []
        what = service.release.current
        return [ChangeObserved(service=service.name, kind="release", what=what, before=before, after=after)]

    def _is_ours(self, service: Service, before: str, after: str) -> bool:
        """The change of an act in hand; or of one that we did not hear of yet, or no more: it left a note, which counts once."""
        name, note = service.name, last_rollback(link_of(service))
        fresh = note is not None and note.act != self._noted.get(name)
        if note is not None:
            self._noted[name] = note.act
            if fresh and (note.before, note.after) == (before, after):
                return True
        act = self._state().acts.get(name)
        return act is not None and act.fix == ROLLBACK

    def _changed_elsewhere(self, service: Service) -> list[Event]:
        settings = self._platform.sight(service.name).settings
        if DEPLOY in settings:
            self._releases[service.name] = settings[DEPLOY]
        acted_on = service.name in self._state().acts
        return [*self._settings.changes(service.name, settings, acted_on=acted_on)] if settings else []

    def _missing(self, service: Service, vitals: Vitals, now: float, patience_s: float) -> list[Event]:
        if self.is_stopped(service.name):
            vitals.end("stopped")
            return []
        if service.name in self._state().acts:
            return []  # the act brings it back, or tells that it cannot
        if now - self._missing_since.setdefault(service.name, now) < patience_s:
            return []
        mark = vitals.incarnation
        vitals.end("down")
        told = self._news(
            service,
            "down",
            mark,
            symptom="found_dead",
            reason="its process is gone, and nobody saw it end",
            output=evidence(self._logs.read(service), self._printed(service)),
        )
        return [*self.release(service), told]

    def _printed(self, service: Service) -> str:
        return self._platform.output(service.name, OUTPUT_LIMIT)

    def _news(self, service: Service, health: Health, mark: str | None, **more: Any) -> HealthChanged:
        return HealthChanged(
            service=service.name,
            health=health,
            incarnation=mark or "",
            release=self._releases.get(service.name, ""),
            **more,
        )
