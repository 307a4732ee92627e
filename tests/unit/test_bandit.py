"""The record of fixes: prior, pooling and learning."""

from analysis.bandit import Outcomes, learn, probability

ALIKE = ("shop", "worker")


def after(outcomes: list[tuple[str, bool]], service: str, prior: tuple[float, float] = (9, 1)) -> float:
    record = Outcomes()
    for where, healed in outcomes:
        record = learn(record, where, healed=healed)
    return probability(record, prior, service, alike=ALIKE)


def test_without_a_record_the_prior_speaks() -> None:
    assert after([], "shop") == 0.9


def test_failures_lower_and_successes_raise_it() -> None:
    assert after([("shop", False)], "shop") < 0.9 < after([("shop", True)], "shop")


def test_own_outcomes_weigh_more_than_those_of_its_kind() -> None:
    failed_here = [("shop", False)] * 3
    assert after(failed_here, "shop") < after(failed_here, "worker") < 0.9


def test_services_of_another_kind_count_too() -> None:
    assert after([("elsewhere", False)] * 3, "shop") < 0.9


def test_many_outcomes_overrule_any_prior() -> None:
    assert after([("shop", False)] * 60, "shop") < 0.1
    assert after([("shop", True)] * 60, "shop", prior=(1, 9)) > 0.9


def test_the_order_of_outcomes_does_not_matter() -> None:
    mixed = [("shop", True), ("worker", False), ("shop", False)]
    assert after(mixed, "shop") == after(mixed[::-1], "shop")
