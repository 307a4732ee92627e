"""The failure predictor's own past: what it keeps, what counts as a failure, when it learns, and how often it says something."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from agents.events import (
    AnomalyDetected,
    ChangeObserved,
    FailurePredicted,
    FixStarted,
    Health,
    HealthChanged,
    ServiceSampled,
)
from agents.incident.story import sentence
from agents.ml_failure_predictor import RECALLED_AFTER_S, MlFailurePredictor
from agents.predicting.foresight import ON_PURPOSE_S, Foresight, Word
from agents.predicting.learning import (
    CARD,
    MODEL,
    Card,
    Outcome,
    kept_and_learnt,
    past_file,
    recalled,
    why_not,
)
from agents.predicting.past import DAY_ROWS, FIGURES, MOST_ROWS, PERIOD_S, WIDTH, Past, recorded
from analysis.prediction.features import Features, scales
from analysis.prediction.forward import Forward, announced, before
from tests.fixtures.chain import world_of
from tests.fixtures.failing_services import NAMES, write_pasts
from tests.fixtures.virtual_workers import VirtualWorkers
from utils.array_files import read_array, write_array


def sample(at: float, life: str = "a", **values: float) -> ServiceSampled:
    return ServiceSampled(
        service="shop", at=at, names=tuple(values), values=tuple(values.values()), incarnation=life
    )


def health(at: float, how: Health) -> HealthChanged:
    return HealthChanged(service="shop", at=at, health=how)


def column(past: Past, name: str) -> list[float]:
    found: list[float] = past.rows()[:, past.names.index(name)].tolist()
    return found


def filled(past: Past, rows: int) -> None:
    past.well = True
    for row in range(rows + 1):
        past.sample(sample(row * PERIOD_S, cpu_percent=float(row)))


def agent_of(folder: Path, workers: VirtualWorkers) -> MlFailurePredictor:
    world = world_of({"name": "shop"})
    world.state_dir = folder
    return MlFailurePredictor(world, workers)


def handled(agent: MlFailurePredictor, *events: Any) -> list[Any]:
    said: list[Any] = []
    for event in events:
        results = [msgspec.structs.replace(result, at=event.at) for result in agent.handle(event)]
        for fact in (event, *results):
            agent.apply(fact)
        said += results
    return said


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_row_holds_the_means_and_counts_of_its_five_minutes() -> None:
    past = Past()
    past.well = True
    for at, cpu, hits in ((0.0, 10.0, 100.0), (100.0, 20.0, 300.0), (200.0, 30.0, 500.0)):
        assert not past.sample(sample(at, cpu_percent=cpu, hits_total=hits))
    past.count("changes", 210.0)
    past.count("anomalies", 220.0)
    past.count("anomalies", 221.0)
    assert past.sample(sample(301.0, life="b", cpu_percent=1.0))
    assert column(past, "cpu_percent") == [20.0]
    assert column(past, "hits_per_s") == [2.0]
    assert [column(past, name) for name in ("changes", "anomalies", "starts")] == [[1.0], [2.0], [0.0]]
    past.sample(sample(601.0, life="b", cpu_percent=1.0))
    assert column(past, "starts") == [0.0, 1.0]


def test_ten_days_are_kept_and_no_more() -> None:
    past = Past()
    filled(past, MOST_ROWS + DAY_ROWS // 2)
    assert MOST_ROWS - DAY_ROWS <= len(past) <= MOST_ROWS
    assert column(past, "cpu_percent")[-1] == MOST_ROWS + DAY_ROWS // 2 - 1
    assert past.rows().nbytes <= MOST_ROWS * WIDTH * 4


def test_of_more_than_ten_days_on_disk_the_newest_come_back(tmp_path: Path) -> None:
    rows = np.ones((MOST_ROWS + 50, 4), np.float32)
    rows[:, 0], rows[:, 1] = np.arange(len(rows)) // DAY_ROWS, np.arange(len(rows)) % DAY_ROWS
    past = Past()
    past.put(("day", "place", "failure", "cpu_percent"), rows)
    assert (len(past), column(past, "place")[0]) == (MOST_ROWS, 50)


def test_of_a_few_services_forty_days_are_kept_and_of_many_ten(tmp_path: Path) -> None:
    foresight = Foresight(tmp_path)
    for n in range(20):
        foresight.sample(ServiceSampled(service=f"shop{n}", names=(), values=(), at=0.0), well=True)
    foresight.keep([f"shop{n}" for n in range(20)])
    assert {past.most for past in foresight._pasts.values()} == {20 * DAY_ROWS}
    foresight.keep(["shop1"])
    assert [past.most for past in foresight._pasts.values()] == [40 * DAY_ROWS]


@pytest.mark.parametrize("sampled_first", [True, False])
def test_what_a_lost_clock_left_behind_in_the_future_is_forgotten(sampled_first: bool) -> None:
    old, past = Past(), Past()
    filled(old, 20)
    if sampled_first:
        past.sample(sample(10 * PERIOD_S, cpu_percent=1.0))
    past.put(old.names, old.rows())
    past.well = True
    for row in range(10, 14):
        past.sample(sample(row * PERIOD_S, cpu_percent=1.0))
    places = column(past, "place")
    assert places[:10] == list(range(10))
    assert places == sorted(set(places))
    assert places[-1] == 12
    past.record(FIGURES)


def test_figures_beyond_those_that_have_room_are_left_out() -> None:
    past = Past()
    past.sample(sample(0.0, **{f"figure_{n}": 1.0 for n in range(50)}, python_gc_objects=3.0))
    assert len(past.names) == WIDTH
    assert "python_gc_objects" not in past.names


def test_times_in_which_the_service_was_not_well_are_left_out_but_for_the_failure_itself() -> None:
    past = Past()
    filled(past, 3)
    past.fail(3 * PERIOD_S + 60.0)
    past.well = False
    for row in range(4, 8):
        past.sample(sample(row * PERIOD_S, cpu_percent=99.0))
    assert len(past) == 4
    samples = recorded([(past.names, past.rows())], FIGURES)
    assert samples.failures[0].tolist() == [3 * PERIOD_S + 60.0]
    assert samples.t.tolist() == [300.0, 600.0, 900.0, 1200.0]


def test_a_past_is_brought_back_before_what_was_seen_since_and_a_damaged_one_is_begun_anew(
    tmp_path: Path,
) -> None:
    first = Past()
    filled(first, 5)
    path = past_file(tmp_path, "shop")
    write_array(path, first.names, first.rows())
    foresight = Foresight(tmp_path)
    for row in range(100, 103):
        foresight.sample(sample(row * PERIOD_S, queue=1.0), well=True)
    foresight.recall(["shop"])
    foresight.keep(["shop"])
    names, rows = read_array(path) or ((), np.empty(0))
    assert rows[:, 1].tolist() == [0, 1, 2, 3, 4, 100, 101]
    assert rows[-1, names.index("queue")] == 1.0
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x07")
    again = Foresight(tmp_path)
    again.recall(["shop"])
    assert len(again._pasts["shop"]) == 0


def test_the_past_of_a_service_that_is_no_longer_declared_is_forgotten(tmp_path: Path) -> None:
    foresight = Foresight(tmp_path)
    for row in range(3):
        foresight.sample(sample(row * PERIOD_S, cpu_percent=1.0), well=True)
    foresight.keep(["shop"])
    assert past_file(tmp_path, "shop").exists()
    foresight.keep([])
    assert list(tmp_path.iterdir()) == []


# --- what counts as a failure -------------------------------------------------------------------------------------------


def failures(agent: MlFailurePredictor) -> int:
    assert agent._foresight is not None
    return agent._foresight._failures


def test_a_service_that_was_well_and_is_not_has_failed_once(tmp_path: Path) -> None:
    agent = agent_of(tmp_path, VirtualWorkers())
    handled(agent, sample(0.0, cpu_percent=1.0), health(1.0, "healthy"), health(100.0, "unhealthy"))
    handled(agent, health(110.0, "down"), health(130.0, "healthy"), health(200.0, "down"))
    assert failures(agent) == 1
    handled(agent, health(230.0, "healthy"), health(4000.0, "down"))
    assert failures(agent) == 2


@pytest.mark.parametrize("kind", ["chaos", "maintenance", "fix"])
def test_what_goes_down_by_an_act_of_ours_has_not_failed(tmp_path: Path, kind: Any) -> None:
    agent = agent_of(tmp_path, VirtualWorkers())
    act = FixStarted(
        service="shop", at=50.0, fix="f", agent="a", cause_name="", culprit="", deadline_s=9.0, kind=kind
    )
    handled(agent, sample(0.0, cpu_percent=1.0), health(1.0, "healthy"), act, health(60.0, "down"))
    assert failures(agent) == 0
    handled(agent, health(70.0, "healthy"), health(51.0 + ON_PURPOSE_S, "down"))
    assert failures(agent) == 1


def test_what_stops_or_was_never_well_has_not_failed(tmp_path: Path) -> None:
    agent = agent_of(tmp_path, VirtualWorkers())
    handled(agent, sample(0.0, cpu_percent=1.0), health(1.0, "starting"), health(2.0, "down"))
    handled(agent, health(3.0, "healthy"), health(4.0, "stopped"))
    assert failures(agent) == 0


def test_without_a_worker_nothing_is_kept() -> None:
    agent = MlFailurePredictor(world_of({"name": "shop"}))
    change = ChangeObserved(service="shop", at=2.0, kind="deploy", what="x")
    odd = AnomalyDetected(service="shop", at=3.0, metric="m", value=1.0, expected=0.0, sigmas=9.0)
    assert handled(agent, sample(0.0, cpu_percent=1.0), health(1.0, "healthy"), change, odd) == []
    assert agent._foresight is None


# --- learning -----------------------------------------------------------------------------------------------------------


def test_nothing_is_learnt_from_four_failures_or_less_than_two_days(tmp_path: Path) -> None:
    few = write_pasts(tmp_path, signs=True, services=1, days=4)
    card = kept_and_learnt(tmp_path, tuple(few), 0.0).card
    assert (card.used, card.why, card.failures) == (False, "too little to learn from", 4)
    short = write_pasts(tmp_path, signs=True, services=1, days=1)
    _, rows = read_array(past_file(tmp_path, short[0])) or ((), np.empty(0, np.float32))
    rows[50:250:40, 2] = 1.0
    write_array(past_file(tmp_path, "shop0"), NAMES, rows)
    card = kept_and_learnt(tmp_path, tuple(short), 0.0).card
    assert (card.used, card.why, card.failures >= 5) == (False, "too little to learn from", True)
    assert not (tmp_path / MODEL).exists()
    assert msgspec.json.decode((tmp_path / CARD).read_bytes(), type=Card) == card


def test_no_model_or_a_damaged_one_is_not_believed(tmp_path: Path) -> None:
    assert recalled(tmp_path) is None
    (tmp_path / MODEL).write_bytes(b"00000000\n{}")
    assert recalled(tmp_path) is None


async def test_learning_happens_after_a_failure_or_a_day_and_what_was_kept_is_recalled(
    tmp_path: Path,
) -> None:
    workers = VirtualWorkers()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / MODEL).write_bytes(b"damaged")
    agent = agent_of(tmp_path, workers)
    runs = asyncio.create_task(agent.run(_Clock()))
    handled(agent, sample(0.0, cpu_percent=1.0), health(1.0, "healthy"))
    await asyncio.sleep(RECALLED_AFTER_S + 3700)
    assert workers.started == ["recalled", "kept_and_learnt"]
    await asyncio.sleep(2 * 3600)
    assert workers.started.count("kept_and_learnt") == 1
    handled(agent, health(9000.0, "down"))
    await asyncio.sleep(2 * 3600)
    assert workers.started.count("kept_and_learnt") == 2
    await asyncio.sleep(86_400)
    assert workers.started.count("kept_and_learnt") == 3
    for row in range(100, 103):
        handled(agent, health(row * PERIOD_S - 1, "healthy"), sample(row * PERIOD_S, cpu_percent=1.0))
    runs.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runs
    assert past_file(tmp_path / "models", "shop").exists()


# --- saying it ----------------------------------------------------------------------------------------------------------


class _Scorer:
    """Of the only figure."""

    names = ("cpu_percent",)
    horizon = (600.0, 7200.0)
    threshold = 0.5

    def chance(self, samples: Any) -> float:
        return float(samples.values[-1, 0])

    def reasons(self, samples: Any) -> tuple[str, ...]:
        return ("busy",)


def _learnt() -> Any:
    held = Forward(failures=4, told=3, lead=1800.0, false_per_day=0.2, days=9.0, chance=0.001)
    card = Card(used=True, why="", services=1, days=20.0, failures=9, forward=held)
    return Outcome(card, _Scorer())  # type: ignore[arg-type] # stands for a learnt one


class _Clock:
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def emit(self, *events: Any, because: Any = None) -> None: ...

    async def durable(self) -> None: ...


def test_a_likely_failure_is_told_once_within_its_horizon_and_never_of_a_service_that_is_ill(
    tmp_path: Path,
) -> None:
    agent = agent_of(tmp_path, VirtualWorkers())
    handled(agent, sample(0.0, cpu_percent=0.9), health(1.0, "healthy"))
    assert agent._foresight is not None
    agent._foresight._learnt = _learnt()
    said = handled(agent, *(sample(row * PERIOD_S, cpu_percent=0.9) for row in range(1, 55)))
    assert [word.at for word in said] == [600.0, 7800.0, 15_000.0]
    assert said[0] == FailurePredicted(
        service="shop", at=600.0, failure="unknown", metric="learnt", value=said[0].value, limit=0.5,
        lead_time_s=1800.0, confidence=said[0].value, incarnation="a", reasons=("busy",),
    )  # fmt: skip
    assert said[0].value == pytest.approx(0.9)
    handled(agent, health(16_300.0, "unhealthy"))
    assert handled(agent, *(sample(row * PERIOD_S, cpu_percent=0.9) for row in range(55, 121))) == []
    handled(agent, health(36_001.0, "healthy"))
    assert handled(agent, *(sample(row * PERIOD_S, cpu_percent=0.4) for row in range(121, 140))) == []


def test_a_word_says_its_chance_and_its_reasons(tmp_path: Path) -> None:
    foresight = Foresight(tmp_path)
    foresight._learnt = _learnt()
    words = [foresight.sample(sample(row * PERIOD_S, cpu_percent=0.75), well=True) for row in range(3)]
    assert words == [None, *[Word(0.75, 0.5, 1800.0, ("busy",))] * 2]


def test_what_is_tried_on_later_failures_is_learnt_without_them() -> None:
    past = Past()
    filled(past, 20)
    past.fail(10 * PERIOD_S)
    samples = recorded([(past.names, past.rows())], FIGURES)
    cut = before(samples, 2000.0)
    assert (len(cut), cut.t.max() < 2000.0) == (6, True)
    assert announced(np.array([0.0, 1.0, 7.0, 8.0, 20.0]), 7.0).tolist() == [0.0, 7.0, 20.0]


def test_what_rounding_leaves_of_nothing_is_nothing_whatever_comes_later(tmp_path: Path) -> None:
    [name] = write_pasts(tmp_path, signs=True, services=1, days=3)
    names, rows = read_array(past_file(tmp_path, name)) or ((), np.empty((0, 0), np.float32))
    whole, cut = (recorded([(names, part)], ("troubles",)) for part in (rows, rows[:700]))
    spread = scales(whole)
    place = np.arange(300, 700, 7)
    found = [Features(each, spread, 7200.0, exact=True).rows(place) for each in (whole, cut)]
    zero = [(each == 0).tolist() for each in found]
    assert zero[0] == zero[1]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_people_read_how_likely_it_is_and_how_long_before() -> None:
    word = FailurePredicted(
        service="shop", failure="unknown", metric="learnt", value=0.62, limit=0.4, lead_time_s=3300.0, confidence=0.62
    )  # fmt: skip
    assert sentence(word) == (
        "a failure of unknown kind is likely, mostly 55 min after such signs (chance 62%, told from 40% on)"
    )


@pytest.mark.parametrize(
    ("failures", "told", "false_per_day", "chance", "why"),
    [
        (2, 2, 1.0, 0.01, ""),
        (40, 10, 0.0, 0.001, ""),
        (2, 1, 0.0, 0.001, "1 of 2 later failures told, where 2 are the least"),
        (40, 9, 0.0, 0.001, "9 of 40 later failures told, where 10 are the least"),
        (4, 4, 0.0, 0.011, "words at random times tell as many in 1.1% of all cases"),
        (4, 4, 1.2, 0.001, "1.2 false words a day, where 1 is promised"),
    ],
)
def test_what_does_no_better_than_chance_or_breaks_the_promise_is_not_used(
    failures: int, told: int, false_per_day: float, chance: float, why: str
) -> None:
    assert why_not(Forward(failures, told, 1800.0, false_per_day, 9.0, chance)) == why
    assert why_not(None) != ""
