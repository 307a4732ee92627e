"""System optimizer: tries one setting at a time within declared bounds, measures it before and after, undoes what does not help.

It changes how often quiet services are probed. What only people may change (limits, instances, what an alarm takes) it
proposes, with the figures.
"""

from collections.abc import Iterator

from agents.agent import Results, Traits
from agents.events import (
    AnomalyDetected,
    ConfigChanged,
    Event,
    IncidentClosed,
    IncidentOpened,
    NormExpected,
    ObservationResumed,
    ProbeObserved,
    SettingChanged,
    SettingProposed,
    Tick,
)
from agents.learning.settings import STRETCH, Gaps, Pace, State, Trial, setting_key
from analysis.learning.pace import stretch
from config.model import Service
from config.world import World
from utils.alone import run_alone

__all__ = ["State", "SystemOptimizer"]

LOOK_S = 60.0
ENOUGH = 60  # probes to judge a pace by
WORTH = 1.05  # a stretch below this is none
HELPS = 0.9  # of the probes before are left, at most, for a change to be kept
NO_LATER = 1.02  # times the detection time before
RESTS_S = 7 * 86400.0  # what was undone is not tried again before
BLIP_S = 60.0  # an incident that passes so soon was none: such a service needs a slow second look
DAY_S = 86400.0
NOISE_KEPT = 64
ROOM = 1.5  # of a limit over what is usual at most
TIGHT = 0.9  # of a limit in use
MIB = 16.0  # proposals are rounded up to these
MEMORY, INSTANCES, ANOMALIES = "limits.memory_mib", "scale.max_instances", "anomalies per day"
BUSY_PERCENT = 85.0


class SystemOptimizer:
    name = "system_optimizer"
    consumes: tuple[type[Event], ...] = (
        ProbeObserved, Tick, NormExpected, IncidentOpened, IncidentClosed, AnomalyDetected, ObservationResumed, ConfigChanged,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (SettingChanged, SettingProposed)
    traits = Traits(optional=True)

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._gaps: dict[str, Gaps] = {}
        self._due_at = 0.0

    def handle(self, event: Event) -> Results:
        on = self.world.config.learning.optimizer_enabled
        match event:
            case ProbeObserved():
                self._gaps.setdefault(event.service, Gaps()).note(event.at)
            case ObservationResumed():
                self._gaps.clear()
            case Tick() if event.at >= self._due_at:
                self._due_at = event.at + LOOK_S
                return (
                    self._look(event.at)
                    if on
                    else list(self._all_undone("learning.optimizer_enabled is off"))
                )
            case NormExpected() if on:
                return list(self._proposals(event))
            case IncidentOpened():
                return list(
                    self._trouble(
                        event.service, "it is in trouble, and watched at its own pace until it is quiet"
                    )
                )
            case AnomalyDetected() if on:
                return list(self._noise(event))
        return ()

    # --- how often to probe ---

    def _look(self, at: float) -> list[Event]:
        trial = self.state.trials.get("")
        if trial is not None:
            return list(self._judge(trial, at))
        for service in self.world.config.services:
            if tried := self._candidate(service, at):
                return [tried]
        return []

    def _candidate(self, service: Service, at: float) -> SettingChanged | None:
        limits, probe, key = self.world.config.learning, service.probe, setting_key(STRETCH, service.name)
        if probe is None or key in self.state.settings or at < self.state.rests.get(key, 0.0):
            return None
        quiet_since = self.state.quiet_since.get(service.name)
        if quiet_since is None or at - quiet_since < limits.quiet_h * 3600.0:
            return None
        value = round(stretch(probe.interval_s, probe.timeout_s, limits.probe_stretch_at_most), 3)
        gaps = self._gaps.get(service.name)
        if value < WORTH or gaps is None or len(gaps.gaps_s) < ENOUGH:
            return None
        was = gaps.pace(probe, 1.0)
        return SettingChanged(
            step="tried",
            service=service.name,
            setting=STRETCH,
            value=value,
            before=1.0,
            probes_per_h=was.probes_per_h,
            detection_s=was.detection_s,
            why=f"{service.name} has been quiet for {(at - quiet_since) / 3600.0:.0f} h: it is probed every"
            f" {value * probe.interval_s:.2g} s instead of {probe.interval_s:g} s, and at once again after a bad sign",
        )

    def _judge(self, trial: Trial, at: float) -> Iterator[Event]:
        service = self.world.config.service(trial.service)
        gaps = self._gaps.get(trial.service)
        if service is None or service.probe is None:
            yield self._undone(trial, "it is not probed any more")
            return
        over = at - trial.at >= self.world.config.learning.trial_h * 3600.0
        if not over or gaps is None or len(gaps.gaps_s) < ENOUGH:
            return
        now, was = gaps.pace(service.probe, trial.value), trial.was
        figures = (
            f"{was.probes_per_h:.0f} -> {now.probes_per_h:.0f} probes an hour,"
            f" {was.detection_s:.1f} -> {now.detection_s:.1f} s to detect"
        )
        if now.probes_per_h <= HELPS * was.probes_per_h and now.detection_s <= NO_LATER * was.detection_s:
            yield SettingChanged(
                step="kept",
                service=trial.service,
                setting=trial.setting,
                value=trial.value,
                before=trial.before,
                why=figures,
            )
        else:
            yield self._undone(trial, f"it does not help: {figures}")

    def _trouble(self, service: str, why: str) -> Iterator[Event]:
        value = self.state.settings.get(setting_key(STRETCH, service))
        if value is not None:
            yield SettingChanged(
                step="undone", service=service, setting=STRETCH, value=1.0, before=value, why=why
            )

    def _undone(self, trial: Trial, why: str) -> Event:
        return SettingChanged(
            step="undone",
            service=trial.service,
            setting=trial.setting,
            value=trial.before,
            before=trial.value,
            rests_s=RESTS_S,
            why=why,
        )

    def _all_undone(self, why: str) -> Iterator[Event]:
        for key in self.state.settings:
            yield from self._trouble(key.partition(":")[2], why)

    # --- what is proposed to people ---

    def _proposals(self, norm: NormExpected) -> Iterator[Event]:
        yield from self._memory(norm)
        service, high = self.world.config.service(norm.service), dict(zip(norm.names, norm.high, strict=True))
        busy = high.get("cpu_percent", 0.0)
        if service is None or service.scale is None or busy < BUSY_PERCENT:
            return
        if setting_key(INSTANCES, service.name) not in self.state.proposed:
            yield SettingProposed(
                service=service.name,
                setting=INSTANCES,
                value=service.scale.max_instances + 1.0,
                before=float(service.scale.max_instances),
                why=f"{service.name} is usually up to {busy:.0f} % busy at this hour: let it have one instance more",
            )

    def _memory(self, norm: NormExpected) -> Iterator[Event]:
        service = self.world.config.service(norm.service)
        usual = dict(zip(norm.names, norm.high, strict=True)).get("rss_mib")
        if service is None or not service.is_child or not usual:
            return
        limit = service.limits.memory_mib
        if limit is not None and usual < TIGHT * limit:
            return
        value = MIB * -(-ROOM * usual // MIB)
        told = self.state.proposed.get(setting_key(MEMORY, service.name))
        if told is not None and value <= 1.2 * told:
            return
        now = "no limit is declared" if limit is None else f"{limit:g} MiB are declared"
        yield SettingProposed(
            service=service.name,
            setting=MEMORY,
            value=value,
            before=limit or 0.0,
            why=f"{service.name} uses up to {usual:.0f} MiB at this hour, and {now}: {value:.0f} MiB would tell a leak"
            " from what is usual",
        )

    def _noise(self, fact: AnomalyDetected) -> Iterator[Event]:
        """Alarms of metrics outside of any incident, against what is promised."""
        if fact.service in self.state.opened.values():
            return
        promised = self.world.config.learning.false_alarms_per_day
        recent = [at for at in self.state.noise.get(fact.service, ()) if fact.at - at < DAY_S]
        key = setting_key(ANOMALIES, fact.service)
        if len(recent) + 1 <= 2 * promised or key in self.state.proposed:
            return
        yield SettingProposed(
            service=fact.service,
            setting=ANOMALIES,
            value=promised,
            before=float(len(recent) + 1),
            why=f"the metrics of {fact.service} alarmed {len(recent) + 1} times in a day without any incident,"
            f" and {promised:g} are promised: look at {fact.metric} first",
        )

    # --- remember ---

    def apply(self, fact: Event) -> None:
        match fact:
            case SettingChanged():
                self._fold_setting(fact)
            case SettingProposed():
                self.state.proposed[setting_key(fact.setting, fact.service)] = fact.value
            case IncidentOpened() | IncidentClosed():
                self._fold_incident(fact)
            case AnomalyDetected() if fact.service not in self.state.opened.values():
                noise = self.state.noise
                noise[fact.service] = (*noise.get(fact.service, ()), fact.at)[-NOISE_KEPT:]
            case ConfigChanged() if fact.why != "refused":
                self._fold_config(fact)

    def _fold_incident(self, fact: IncidentOpened | IncidentClosed) -> None:
        state = self.state
        if isinstance(fact, IncidentOpened):
            state.opened[fact.incident] = fact.service
            state.quiet_since.pop(fact.service, None)
            return
        state.opened.pop(fact.incident, None)
        state.quiet_since[fact.service] = fact.at
        if fact.outcome == "passed_by_itself" and fact.seconds < BLIP_S:
            state.rests[setting_key(STRETCH, fact.service)] = fact.at + RESTS_S

    def _fold_setting(self, fact: SettingChanged) -> None:
        state, key, trial = self.state, setting_key(fact.setting, fact.service), self.state.trials.get("")
        if fact.step == "tried":
            state.settings[key] = fact.value
            was = Pace(fact.probes_per_h, fact.detection_s)
            state.trials[""] = Trial(fact.service, fact.setting, fact.value, fact.before, fact.at, was)
        elif trial is not None and trial.service == fact.service:
            del state.trials[""]
        if fact.step == "undone":
            state.settings.pop(key, None)
        if fact.rests_s:
            state.rests[key] = fact.at + fact.rests_s
        if fact.step != "kept":  # what comes is measured anew
            self._gaps.pop(fact.service, None)

    def _fold_config(self, fact: ConfigChanged) -> None:
        for name in fact.services:
            self.state.quiet_since.setdefault(name, fact.at)
        for name in fact.removed:
            self.state.quiet_since.pop(name, None)
            self.state.noise.pop(name, None)
            for table in (self.state.settings, self.state.rests, self.state.proposed):
                for key in [key for key in table if key.endswith(f":{name}")]:
                    del table[key]
            if (trial := self.state.trials.get("")) is not None and trial.service == name:
                del self.state.trials[""]


if __name__ == "__main__":
    run_alone(__file__)
