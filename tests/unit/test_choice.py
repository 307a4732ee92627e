"""Ranking of fixes: success over all possible causes, minus cost and risk."""

from analysis.choice import prior, rank
from config.fixes import Fix


def fix(name: str, *cures: str, **told: object) -> Fix:
    content: dict[str, object] = {
        "title": name,
        "layer": "application",
        "agent": "a",
        "prior": (8.0, 2.0),
        **told,
    }
    return Fix(name=name, cures=cures, **content)  # type: ignore[arg-type]


def names(fixes: list[Fix], *causes: tuple[str, float]) -> list[str]:
    def mean(each: Fix, cause: str) -> float:
        successes, failures = prior(each, cause)
        return successes / (successes + failures)

    return [option.fix.name for option in rank(fixes, causes, mean)]


def test_the_fix_that_is_for_this_cause_comes_before_one_that_also_helps() -> None:
    assert names([fix("broad", "crash", "hang"), fix("right", "hang")], ("hang", 1.0)) == ["right", "broad"]


def test_a_cheaper_fix_and_a_safer_one_come_first_among_equals() -> None:
    assert names([fix("dear", "hang", cost_s=5.0), fix("cheap", "hang", cost_s=1.0)], ("hang", 1)) == [
        "cheap",
        "dear",
    ]
    assert names([fix("bold", "hang", risk="risky"), fix("calm", "hang")], ("hang", 1)) == ["calm", "bold"]


def test_what_a_fix_costs_counts_up_to_a_bound() -> None:
    assert names([fix("a", "hang", cost_s=5.0), fix("b", "hang", cost_s=1.0)], ("hang", 1)) == ["b", "a"]
    poor = fix("poor", "hang", prior=(5.5, 4.5))
    assert names([poor, fix("dear", "hang", cost_s=1000.0)], ("hang", 1)) == ["dear", "poor"]


def test_equals_stand_in_order_of_name() -> None:
    assert names([fix("b", "hang"), fix("a", "hang")], ("hang", 1)) == ["a", "b"]


def test_a_fix_for_several_likely_causes_beats_one_for_a_single() -> None:
    fixes = [fix("one", "bad_deploy"), fix("both", "hang", "bad_deploy")]
    assert names(fixes, ("hang", 0.5), ("bad_deploy", 0.5)) == ["both", "one"]


def test_what_cannot_help_is_no_option() -> None:
    assert names([fix("other", "crash")], ("hang", 1.0)) == []
    assert names([fix("hardly", "hang")], ("hang", 0.02)) == []
