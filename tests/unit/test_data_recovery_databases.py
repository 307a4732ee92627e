"""Acts on declared databases and their backups, with hand-written databases under the real runner."""

import asyncio
from dataclasses import dataclass, field

from agents.data_recovery import DataRecovery
from agents.events import BackupProven, FixApplied
from config.model import Database, Service
from platforms.platform import Done, PlatformError, Proof, Task
from tests.fixtures.recovery_stage import Stage, service


@dataclass
class FakeDatabases:
    log: list[tuple[str, str]] = field(default_factory=list)
    marks: set[tuple[str, str]] = field(default_factory=set)
    problem: str = ""
    refuses: str = ""

    async def back_up(self, service: Service) -> Proof:
        self.log.append(("back_up", service.name))
        if self.refuses:
            raise PlatformError(self.refuses)
        return Proof(backup=f"dump-{len(self.log)}", rows=3, problem=self.problem)

    async def done_since(self, step: str, task: Task) -> Done | None:
        return Done(detail="found", undo_data="kept") if (step, task.mark) in self.marks else None

    async def carry_out(self, step: str, task: Task) -> Done:
        await asyncio.sleep(0.1)
        if self.refuses:
            raise PlatformError(self.refuses)
        self.log.append((step, task.service.name))
        self.marks.add((step, task.mark))
        return Done(detail="did it", undo="put it back", undo_data="kept")

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        self.log.append(("take_back", undo_data))
        return "it is back"


def stage(databases: FakeDatabases) -> Stage:
    def build(on: Stage) -> DataRecovery:
        return DataRecovery(on.world, on.processes, on.files, on.prober, databases)

    on = Stage(build, [service("shop", database=Database(url_env="SHOP_URL", backup_s=3600.0))])
    on.processes.put("shop", "old")
    return on


async def test_a_healthy_database_is_dumped_at_its_pace_over_restarts_of_ours() -> None:
    databases = FakeDatabases()
    async with stage(databases) as on:
        await asyncio.sleep(60)
        await on.crash()
        await asyncio.sleep(3500)
        assert databases.log == [("back_up", "shop")]
        await asyncio.sleep(100)
        assert len(databases.log) == 2
        assert [(f.target, f.ok, f.rows) for f in on.said(BackupProven)] == [("database", True, 3)] * 2


async def test_an_ill_database_is_not_dumped() -> None:
    databases = FakeDatabases()
    async with stage(databases) as on:
        on.prober.good = lambda _: False
        await asyncio.sleep(4000)
        assert databases.log == []


async def test_a_dump_that_fails_is_tried_again_soon_and_the_same_reason_told_once() -> None:
    databases = FakeDatabases(refuses="no right to create a database")
    async with stage(databases) as on:
        await asyncio.sleep(1300)
        assert len(databases.log) == 3
        assert [fact.problem for fact in on.said(BackupProven)] == [
            "it could not be made: no right to create a database"
        ]


async def test_nobody_dumps_while_another_daemon_is_the_one_to_act() -> None:
    databases = FakeDatabases()
    async with stage(databases) as on:
        on.world.lease = lambda: "another one acts"
        await asyncio.sleep(60)
        assert databases.log == []


async def test_an_act_on_a_database_is_done_once_over_a_crash_and_can_be_taken_back() -> None:
    databases = FakeDatabases()
    async with stage(databases) as on:
        on.prober.good = lambda _: False
        act = on.act("shop", "restore_database", "state_corruption", incarnation="old")
        await asyncio.sleep(0.105)
        await on.crash()
        await asyncio.sleep(1)
        [applied] = on.said(FixApplied)
        assert databases.log == [("restore_database", "shop")]
        assert (applied.outcome, applied.undo_data) in {("done", "kept"), ("found_done", "kept")}
        on.act("shop", "restore_database", "state_corruption", undo_of=act)
        await asyncio.sleep(1)
        assert databases.log[-1] == ("take_back", "kept")
        assert on.said(FixApplied, undo_of=act)[0].detail == "it is back"
        assert on.processes.log == []


async def test_a_database_that_is_well_again_is_left_alone() -> None:
    databases = FakeDatabases()
    async with stage(databases) as on:
        on.act("shop", "end_idle_connections", "connection_exhaustion", incarnation="old")
        await asyncio.sleep(1)
        assert (on.said(FixApplied)[0].outcome, databases.log) == ("symptom_gone", [])


async def test_what_the_server_refuses_fails_the_act_in_its_words() -> None:
    databases = FakeDatabases(refuses="SQLSTATE 42501: permission denied")
    async with stage(databases) as on:
        on.prober.good = lambda _: False
        on.act("shop", "grant_role", "config_error", incarnation="old")
        await asyncio.sleep(1)
        [applied] = on.said(FixApplied)
        assert (applied.outcome, applied.detail) == ("failed", "SQLSTATE 42501: permission denied")
