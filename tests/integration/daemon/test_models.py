"""A whole daemon and a model: its data, its drift and its versions are healed by the same loop as services are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from agents.events import (
    CauseFound,
    DriftDetected,
    FixApplied,
    FixChosen,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    ModelJudged,
    OperatorCommanded,
)
from config.model import Config, DriftDetection, ModelValidation, Service
from config.on_model import ModelPlatform
from mlops.hands import Trouble
from scripts.hands import Hands
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_models import LABELS_S, VirtualModels
from tests.fixtures.virtual_platform import VirtualPlatform

MODEL = Service(name="credit", platform=ModelPlatform())


class ModelDaemon(VirtualDaemon):
    def __init__(self, models: VirtualModels, **config: Any) -> None:
        super().__init__(Config(services=(MODEL,), **config))
        self.models = models

    def hands(self, platform: VirtualPlatform, boot: str) -> Hands:
        return replace(super().hands(platform, boot), models=self.models)

    def acts(self) -> list[str]:
        return [act.fix for act in self.facts(FixStarted, "credit")]

    def say(self, command: Any, **more: Any) -> None:
        assert self.daemon is not None
        self.daemon.runner.say("operator", [OperatorCommanded(command=command, **more)])

    def calm(self) -> bool:
        return not self.state("render_self_healing_agent").by_service


@asynccontextmanager
async def ailing(trouble: Trouble, **config: Any) -> AsyncIterator[ModelDaemon]:
    models = VirtualModels()
    async with ModelDaemon(models, **config) as rig:
        await asyncio.sleep(10.0)
        models.trouble = trouble
        yield rig


async def healed(rig: ModelDaemon, within_s: float = 300.0) -> bool:
    return await rig.until(lambda: bool(rig.facts(IncidentOpened)) and rig.calm(), within_s)


async def test_a_model_that_is_well_is_let_alone() -> None:
    async with ailing("") as rig:
        await asyncio.sleep(3600.0)
        assert rig.acts() == [] and rig.facts(IncidentOpened, "credit") == []
        assert rig.models.looks > 50
        assert [word.health for word in rig.facts(ModelJudged)] == ["healthy"]


async def test_damaged_data_are_repaired_and_the_next_look_verifies_it() -> None:
    async with ailing("data_quality") as rig:
        assert await healed(rig)
        assert rig.facts(CauseFound)[0].best.name == "data_quality"
        assert rig.acts() == ["repair_data"]
        assert [closed.outcome for closed in rig.facts(IncidentClosed)] == ["healed"]


async def test_a_version_that_does_worse_than_the_one_before_it_is_rolled_back() -> None:
    async with ailing("worse_since_promotion") as rig:
        assert await healed(rig)
        assert rig.facts(CauseFound)[0].best.name == "model_degradation"
        assert rig.acts() == ["rollback_model"]
        assert rig.facts(FixVerified)


async def test_drift_trains_a_shadow_which_is_promoted_once_it_has_passed_the_gate() -> None:
    async with ailing("drift") as rig:
        assert await rig.until(lambda: rig.models.steps() == ["retrain"], 120.0)
        await asyncio.sleep(LABELS_S / 2)
        assert rig.facts(FixVerified) == [] and rig.facts(FixFailed) == []
        assert await healed(rig, 2 * LABELS_S)
        assert rig.models.steps() == ["retrain", "promote_model"]
        assert [act.kind for act in rig.facts(FixStarted)] == ["fix", "promotion"]
        assert [fact.fix for fact in rig.facts(FixVerified)] == ["retrain_model"]


async def test_a_shadow_that_the_gate_rejects_is_not_promoted_and_people_are_told() -> None:
    async with ailing("drift") as rig:
        rig.models.gate_says = "reject"
        assert await rig.until(lambda: bool(rig.facts(FixRefused)), 3 * LABELS_S)
        assert rig.models.steps() == ["retrain"]
        assert [fact.fix for fact in rig.facts(FixFailed)] == ["retrain_model"]
        assert await rig.until(lambda: any("cools down" in line for line in rig.told), 10.0)


async def test_a_second_retraining_waits_for_its_cooldown() -> None:
    async with ailing("drift", drift_detection=DriftDetection(retraining_cooldown_hours=24)) as rig:
        rig.models.gate_says = "reject"
        await asyncio.sleep(20 * 3600.0)
        assert rig.models.steps() == ["retrain"]
        assert any(fact.limit == "cooldown" for fact in rig.facts(FixRefused))
        await asyncio.sleep(8 * 3600.0)
        assert rig.models.steps() == ["retrain", "retrain"]


async def test_a_model_that_decays_without_a_promotion_is_retrained_rather_than_rolled_back() -> None:
    async with ailing("degraded") as rig:
        assert await rig.until(lambda: bool(rig.models.steps()), 200.0)
        assert [cause.name for cause in rig.facts(CauseFound)[0].rivals] == ["model_degradation"]
        assert rig.models.steps() == ["retrain"]


async def test_the_operators_switches_hold_rollback_and_retraining_back() -> None:
    async with ailing(
        "worse_since_promotion",
        model_validation=ModelValidation(auto_rollback_enabled=False),
        drift_detection=DriftDetection(auto_retrain_enabled=False),
    ) as rig:
        assert await rig.until(lambda: bool(rig.facts(IncidentEscalated)), 600.0)
        assert rig.models.steps() == []
        assert {fact.limit for fact in rig.facts(FixRefused)} == {"recovery_disabled"}


async def test_a_repair_that_does_not_help_is_taken_back() -> None:
    async with ailing("data_quality") as rig:
        rig.models.useless = True
        assert await rig.until(lambda: "undo repair_data" in rig.models.steps(), 300.0)
        assert rig.facts(FixFailed)[0].fix == "repair_data"


async def test_trouble_of_another_kind_after_an_act_is_diagnosed_anew() -> None:
    async with ailing("data_quality") as rig:
        assert await rig.until(lambda: bool(rig.facts(FixStarted)), 120.0)
        rig.models.trouble = "worse_since_promotion"
        assert await healed(rig)
        assert [found.best.name for found in rig.facts(CauseFound)] == ["data_quality", "model_degradation"]
        assert rig.models.steps()[-1] == "rollback_model"


async def test_a_death_in_the_middle_of_an_act_repeats_nothing_that_was_done() -> None:
    async with ailing("worse_since_promotion") as rig:
        rig.models.takes_s = 5.0
        assert await rig.until(lambda: bool(rig.facts(FixStarted)), 120.0)
        await asyncio.sleep(2.0)
        rig.kill()
        await rig.start()
        assert await healed(rig)
        assert rig.models.steps() == ["rollback_model"]


async def test_an_act_that_was_done_just_before_a_death_is_found_done() -> None:
    async with ailing("worse_since_promotion") as rig:
        rig.arm("journal/model_recovery:before")
        assert await rig.until(rig.died.is_set, 200.0)
        await rig.start()
        assert await healed(rig)
        assert rig.models.steps() == ["rollback_model"]
        assert [fact.outcome for fact in rig.facts(FixApplied)] == ["found_done"]


async def test_a_model_that_nobody_can_look_at_is_unknown_and_no_act_follows() -> None:
    async with ailing("") as rig:
        rig.models.silent = "data/raw/credit_risk.csv: no such file"
        await asyncio.sleep(900.0)
        assert [word.health for word in rig.facts(ModelJudged)] == ["healthy", "unknown"]
        assert "no such file" in rig.facts(ModelJudged)[-1].reason
        assert rig.acts() == []


async def test_a_pause_holds_acts_on_models_too() -> None:
    async with ailing("drift") as rig:
        rig.say("pause")
        await asyncio.sleep(600.0)
        assert rig.facts(FixChosen) and rig.models.steps() == []
        rig.say("resume")
        assert await rig.until(lambda: rig.models.steps() == ["retrain"], 60.0)


async def test_what_a_look_says_stands_in_the_journal_whole() -> None:
    async with ailing("drift") as rig:
        assert await rig.until(lambda: bool(rig.facts(DriftDetected)), 120.0)
        [fact] = rig.facts(DriftDetected)
        assert (fact.drift_score, fact.features, fact.symptom) == (0.8, ("age",), "drift")
        assert msgspec.json.encode(fact)
