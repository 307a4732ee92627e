"""Tells people what happens, asks them where a limit wants their word, and passes on what they answer."""

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from agents.agent import Outlet, Results, Traits
from agents.events import (
    AlertReceived,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    BackupProven,
    CauseFound,
    ChangeObserved,
    CommandAnswered,
    ConfigChanged,
    DamageFound,
    DecayNoticed,
    Event,
    EventQuarantined,
    Fact,
    FailurePredicted,
    FixApplied,
    FixChosen,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    FreezeEnded,
    FreezeNoted,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    LeaseChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
    MessagePosted,
    ObservationResumed,
    OperatorCommanded,
    SelfTested,
    ServiceStopped,
    SettingProposed,
    StartRetried,
    StorageChanged,
    VetoRefused,
)
from agents.incident.story import plain
from agents.telling.correspondence import Correspondence
from agents.telling.digest import digest_lines, due_day
from agents.telling.fold import fold
from agents.telling.lines import Lines
from agents.telling.port import Contacts
from agents.telling.stories import State
from config.ourselves import is_drill
from config.world import World
from utils.alone import run_alone
from utils.parts import Parts

LEASE_LOOK_S, CLOCK_LOOK_S = 5.0, 20.0


class Notifier:
    name = "notifier"
    consumes: tuple[type[Event], ...] = (
        IncidentOpened, CauseFound, FixChosen, FixRefused, FixStarted, StartRetried, FixApplied, FixVerified, FixFailed, HarmFound,
        ApprovalRequested, ApprovalGiven, ApprovalDenied, ApprovalExpired, CommandAnswered, FailurePredicted,
        IncidentEscalated, IncidentRetried, IncidentClosed, OperatorCommanded, ConfigChanged, ServiceStopped,
        ObservationResumed, EventQuarantined, StorageChanged, DamageFound, MessagePosted, SelfTested, LeaseChanged,
        HealthChanged, ChangeObserved, BackupProven, AlertReceived, FreezeNoted, FreezeEnded,
        DecayNoticed, SettingProposed,
        MaintenanceScheduled, MaintenanceCancelled, MaintenanceVetoed, VetoRefused, MaintenanceDone,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (MessagePosted,)
    traits = Traits(waits_for_disk=True, later_s=0.05)

    def __init__(self, world: World, say: Callable[[str], None], contacts: Contacts | None = None) -> None:
        self.world = world
        self.lines = Lines(say)
        self.contacts = contacts or Contacts()
        self.state = State()
        self._say = say
        self._changed = asyncio.Event()

    def handle(self, fact: Fact) -> Results:
        if is_drill(fact.service):
            return ()
        self._changed.set()  # it is folded before anybody who waits for this goes on
        if isinstance(fact, HealthChanged):
            return self._gone_for_good(fact)
        self.lines.tell(fact)
        return ()

    def _gone_for_good(self, fact: HealthChanged) -> Results:
        """An exit that nobody heals, so that no incident tells of it; nothing for all other news of health."""
        service = self.world.config.service(fact.service)
        if service is None or service.restart != "never" or fact.health != "down":
            return ()
        text = plain(f"{fact.service} ended and stays so (restart: never): {fact.reason}")
        self._say(text)
        return [MessagePosted(key=f"exit/{fact.service}", channel="page", text=text)]

    def apply(self, fact: Fact) -> None:
        if not is_drill(fact.service):
            fold(self.state, fact)

    async def run(self, outlet: Outlet) -> None:
        """Tells people elsewhere than in the terminal, while we are the daemon that acts."""
        parts = Parts(self.name)
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.part(self._daily(outlet)))
            if self.contacts.messenger is not None or self.contacts.second is not None:
                group.create_task(parts.part(self._correspond(outlet)))

    async def _correspond(self, outlet: Outlet) -> None:
        while True:
            if not self.world.why_silent():
                await Correspondence(
                    self.world, self.contacts, outlet, lambda: self.state, self._changed, self._say
                ).run()
            await asyncio.sleep(LEASE_LOOK_S)

    async def _daily(self, outlet: Outlet) -> None:
        while True:
            notify = self.world.config.notify
            unix = self.world.unix(outlet.now())
            if day := due_day(
                unix, notify.digest_at or "", ZoneInfo(notify.timezone), self.state.days.get("digest", "")
            ):
                self._tell_digest(outlet, day)
            await asyncio.sleep(CLOCK_LOOK_S)

    def _tell_digest(self, outlet: Outlet, day: str) -> None:
        if "digest" not in self.state.days:  # a first day that nobody has seen is not worth a word
            outlet.emit(MessagePosted(key=f"digest/{day}", channel="page"))
            return
        people = self.contacts.people
        lines = digest_lines(people.services() if people else {}, self.state)
        self._say(f"digest: {'; '.join(lines)}")
        outlet.emit(MessagePosted(key=f"digest/{day}", channel="page", text="\n".join(lines)))
        self._changed.set()


if __name__ == "__main__":
    run_alone(__file__)
