"""The record of fixes: prior, pooling and learning."""

from analysis.bandit import Tally, fold, probability


def after(outcomes: list[tuple[str, bool]], service: str, prior: tuple[float, float] = (9, 1)) -> float:
    record: dict[str, Tally] = {}
    for where, healed in outcomes:
        record |= fold(record, "hang", "kill", "process", where, healed=healed)
    return probability(record, prior, "hang", "kill", "process", service)


def test_without_a_record_the_prior_speaks() -> None:
    assert after([], "shop") == 0.9


def test_failures_lower_and_successes_raise_it() -> None:
    assert after([("shop", False)], "shop") < 0.9 < after([("shop", True)], "shop")


def test_own_outcomes_weigh_more_than_those_of_others() -> None:
    failed_here = [("shop", False)] * 3
    assert after(failed_here, "shop") < after(failed_here, "worker") < 0.9


def test_many_outcomes_overrule_any_prior() -> None:
    assert after([("shop", False)] * 60, "shop") < 0.1
    assert after([("shop", True)] * 60, "shop", prior=(1, 9)) > 0.9


def test_another_cause_is_not_learnt_about() -> None:
    record = fold({}, "hang", "kill", "process", "shop", healed=False)
    assert probability(record, (9, 1), "crash", "kill", "process", "shop") == 0.9
