"""Acts of data recovery, with hand-written files and processes under the real runner."""

import asyncio
from typing import Any

import pytest

from agents.data_recovery import DataRecovery
from agents.events import BackupProven, FixApplied, OperatorCommanded
from config.model import WatchedFile
from tests.fixtures.recovery_stage import Stage, service

FILES = (WatchedFile(path="data/shop.json"), WatchedFile(path="data/queue.db", check="sqlite"))


def stage() -> Stage:
    def build(on: Stage) -> DataRecovery:
        return DataRecovery(on.world, on.processes, on.files, on.prober)

    on = Stage(build, [service("shop", files=FILES)])
    on.processes.put("shop", "old")
    return on


async def settled(on: Stage, seconds: float = 5.0) -> FixApplied:
    await asyncio.sleep(seconds)
    [applied] = on.said(FixApplied)
    return applied  # type: ignore[no-any-return]


async def test_only_the_damaged_file_is_restored_and_a_healthy_service_is_left_running() -> None:
    async with stage() as on:
        on.files.damaged = {"data/queue.db"}
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        applied = await settled(on)
        assert on.files.log == [("restore", "data/queue.db")]
        assert on.processes.log == []
        assert (applied.outcome, applied.incarnation) == ("done", "old")
        assert applied.undo == "put data/queue.db.damaged back in place of data/queue.db"


async def test_a_service_that_is_not_healthy_on_the_restored_file_is_restarted() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json"}
        on.prober.good = lambda _: on.processes.current("shop").mark != "old"  # type: ignore[union-attr]
        act = on.act("shop", "restore_file", "state_corruption", incarnation="old")
        applied = await settled(on)
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert (applied.outcome, applied.incarnation) == ("done", act)


async def test_a_service_that_died_of_the_damage_is_started() -> None:
    async with stage() as on:
        on.processes.die("shop")
        on.files.damaged = {"data/shop.json"}
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        assert (await settled(on)).outcome == "done"
        assert on.processes.verbs("shop") == ["start"]


async def test_files_that_are_good_again_and_a_healthy_service_need_nothing() -> None:
    async with stage() as on:
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        assert (await settled(on)).outcome == "symptom_gone"
        assert (on.files.log, on.processes.log) == ([], [])


async def test_without_a_good_backup_the_act_fails_and_says_what_it_did_all_the_same() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json", "data/queue.db"}
        on.files.no_backup = {"data/queue.db"}
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        applied = await settled(on)
        assert (applied.outcome, applied.detail) == ("failed", "data/queue.db has no good backup")
        assert applied.undo == "put data/shop.json.damaged back in place of data/shop.json"


@pytest.mark.parametrize("crash_at_s", [0.005, 0.015, 0.025, 0.035, 0.045, 0.055, 0.2, 1.0])
async def test_whenever_we_crash_each_file_is_restored_once_and_the_service_restarted_once(
    crash_at_s: float,
) -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json", "data/queue.db"}
        healthy_from = 2.0
        on.prober.good = lambda _: asyncio.get_running_loop().time() > healthy_from
        act = on.act("shop", "restore_file", "state_corruption", incarnation="old")
        await asyncio.sleep(crash_at_s)
        await on.crash()
        applied = await settled(on)
        assert sorted(on.files.log) == [("restore", "data/queue.db"), ("restore", "data/shop.json")]
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert applied.outcome in {"done", "found_done"}
        assert applied.incarnation == act


async def test_without_the_look_at_what_happened_a_file_damaged_anew_is_restored_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def blind(*_: Any) -> frozenset[str]:
        return frozenset()

    async def crashed_after_restoring() -> int:
        async with stage() as on:
            on.files.damaged = {"data/shop.json"}
            on.prober.good = lambda _: False
            on.act("shop", "restore_file", "state_corruption", incarnation="old")
            await asyncio.sleep(1)
            await on.crash(lambda: on.files.damaged.add("data/shop.json"))
            await asyncio.sleep(1)
            return len(on.files.log)

    assert await crashed_after_restoring() == 1
    monkeypatch.setattr(DataRecovery, "happened_since", blind)
    assert await crashed_after_restoring() == 2


async def test_a_service_that_does_not_boot_on_good_files_fails_the_act_soon() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json"}
        on.prober.good = lambda _: False
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        applied = await settled(on, 20)
        assert (applied.outcome, applied.output) == ("failed", "shop says goodbye")
        assert len(on.processes.starts("shop")) == 5


async def test_an_operator_stop_ends_the_act_and_nothing_is_left_running() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json"}
        on.prober.good = lambda _: False
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        await asyncio.sleep(1)
        on.say(OperatorCommanded(command="stop", service="shop"))
        applied = await settled(on)
        assert (applied.outcome, applied.detail) == ("failed", "stopped by operator")
        assert on.processes.current("shop") is None


async def test_what_an_operator_stopped_is_restored_but_not_started() -> None:
    async with stage() as on:
        on.say(OperatorCommanded(command="stop", service="shop"))
        on.processes.die("shop", wanted=True)
        on.files.damaged = {"data/shop.json"}
        on.act("shop", "restore_file", "state_corruption")
        assert (await settled(on)).outcome == "done"
        assert on.processes.log == []


async def test_a_shutdown_leaves_the_act_open() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json"}
        on.prober.good = lambda _: False
        on.act("shop", "restore_file", "state_corruption", incarnation="old")
        await asyncio.sleep(1)
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(30)
        assert on.said(FixApplied) == []


async def test_an_undo_on_a_persons_word_puts_the_damaged_copy_back_and_starts_the_service_anew() -> None:
    async with stage() as on:
        on.files.damaged = {"data/shop.json"}
        act = on.act("shop", "restore_file", "state_corruption", incarnation="old")
        applied = await settled(on)
        assert applied.undo_data
        undo = on.act("shop", "restore_file", "state_corruption", undo_of=act)
        await asyncio.sleep(5)
        [undone] = on.said(FixApplied, undo_of=act)
        assert on.files.log[-1] == ("put_back", "data/shop.json.damaged")
        assert (undone.outcome, undone.incarnation) == ("done", undo)
        on.act("shop", "restore_file", "state_corruption", undo_of=act)
        await asyncio.sleep(5)
        assert on.said(FixApplied)[-1].detail == "it was taken back before"
        assert on.files.log.count(("put_back", "data/shop.json.damaged")) == 1


async def test_an_act_that_nobody_knows_is_not_taken_back() -> None:
    async with stage() as on:
        on.act("shop", "restore_file", "state_corruption", undo_of="never")
        applied = await settled(on)
        assert (applied.outcome, on.files.log) == ("failed", [])


async def test_each_new_backup_is_proven_once_and_the_last_one_again_each_day() -> None:
    async with stage() as on:
        on.files.backups["data/shop.json"] = "backup-1"
        await asyncio.sleep(60)
        assert [(fact.target, fact.ok, fact.backup) for fact in on.said(BackupProven)] == [
            ("data/shop.json", True, "backup-1")
        ]
        on.files.backups["data/shop.json"] = "backup-2"
        await asyncio.sleep(60)
        await on.crash()
        await asyncio.sleep(60)
        assert len(on.said(BackupProven)) == 2
        await asyncio.sleep(86_400)
        assert len(on.said(BackupProven)) == 3


async def test_a_worthless_backup_is_told_and_the_one_before_it_is_proven() -> None:
    async with stage() as on:
        on.files.backups["data/shop.json"] = "backup-2"
        on.files.worthless["backup-2"] = "it is rotten"
        await asyncio.sleep(20)
        on.files.backups["data/shop.json"] = "backup-1"
        await asyncio.sleep(20)
        assert [(f.backup, f.ok, f.problem) for f in on.said(BackupProven)] == [
            ("backup-2", False, "it is rotten"),
            ("backup-1", True, ""),
        ]
        known = on.agent.state.proven["shop data/shop.json"]
        assert (known.ok, known.good_at) == (True, known.at)


async def test_what_cannot_be_tried_is_tried_again_later_and_told_seldom() -> None:
    async with stage() as on:
        on.files.backups["data/shop.json"] = "backup-1"
        on.files.cannot_try["data/shop.json"] = "the disk is full"
        await asyncio.sleep(3600)
        assert len(on.said(BackupProven)) == 1
        assert 5 <= on.files.log.count(("prove", "data/shop.json")) <= 7
        on.files.cannot_try.clear()
        await asyncio.sleep(700)
        assert [fact.ok for fact in on.said(BackupProven)] == [False, True]
