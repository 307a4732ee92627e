"""The mathematics of learning alone: what outcomes do to a record, and that the taught side of the benchmark gains by it."""

from statistics import mean

from analysis.learning import records as books
from analysis.learning.ladder import Guess, Rung, rung
from analysis.learning.records import Records
from analysis.learning.waiting import Passing, patience
from benchmarks.learning import Taught, Untaught, life, turned_bad

GUESSES = [Guess("usual", 0.85, 12.0), Guess("second", 0.68, 12.0), Guess("third", 0.54, 12.0)]


def seen(times: int, *, helped: bool, known: Rung | None = None) -> Rung:
    known = known or Rung()
    for _ in range(times):
        known = rung(known, helped=helped, seconds=5.0)
    return known


def test_a_fix_that_turned_bad_loses_its_record_after_a_few_failures_and_not_after_one() -> None:
    good = seen(25, helped=True)
    assert seen(1, helped=False, known=good).helped > 10.0
    assert seen(3, helped=False, known=good).helped < 2.0


def test_luck_does_not_pile_up_into_doubt() -> None:
    known = Rung()
    for n in range(100):
        known = rung(known, helped=n % 5 != 4, seconds=5.0)
    assert known.helped > 15.0


def test_a_fix_that_was_spared_does_not_look_better_than_it_is() -> None:
    """What it cures when its turn comes are the faults that the one before it could not cure."""
    records: Records = {}
    for n in range(30):
        if n % 4 == 3:
            books.ended(records, "s/c", [("usual", False, 12.0), ("second", True, 12.0)])
        else:
            books.ended(records, "s/c", [("usual", True, 12.0)])
    plan = books.plan(records, "s", "c", (), GUESSES, 30.0)
    assert plan.order[0] == "usual"
    assert records["s/c"].rungs["second"].failed > 2.0


def test_other_services_of_its_kind_teach_one_that_was_never_ill() -> None:
    records: Records = {}
    for _ in range(6):
        books.ended(records, "other/c", [("usual", False, 20.0), ("second", True, 5.0)])
    assert books.plan(records, "new", "c", ("other", "new"), GUESSES, 30.0).order[0] == "second"
    assert books.plan(records, "new", "c", ("new",), GUESSES, 30.0).order[0] == "usual"


def test_without_any_outcome_everything_is_as_usual() -> None:
    plan = books.plan({}, "s", "c", (), GUESSES, 30.0)
    assert plan.order == plan.usual
    assert not plan.learnt


def test_nobody_waits_for_what_was_only_cut_short() -> None:
    assert patience([Passing(20.0, passed=False)] * 9, 60.0).seconds == 0.0


def test_in_the_worlds_of_the_benchmark_teaching_pays() -> None:
    untaught = mean(mean(life(Untaught, seed, 0.5)) for seed in range(6))
    assert mean(mean(life(Taught, seed, 0.5)) for seed in range(6)) < 0.8 * untaught


def test_a_world_is_the_same_for_the_same_seed() -> None:
    assert life(Taught, 3, 0.5) == life(Taught, 3, 0.5)


def test_rules_that_turn_bad_are_dropped_soon() -> None:
    turned = [n for seed in range(40) if (n := turned_bad(seed)) is not None]
    assert len(turned) > 30
    assert mean(turned) <= 5.0
