"""What a service's words ask for: it keeps a young release from being blamed, and tells people what they can do."""

import pytest

from agents.events import FixesExhausted
from analysis.asked import asked, remedy_in
from analysis.evidence import Change, Scene, View
from analysis.remedy import PRIORS
from analysis.root_cause import rank
from config.fixes import Remedy, load_fixes
from tests.unit.test_fix_selector import Cause, Desk

EXPIRED = "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired"


def best(text: str) -> str:
    change = Change("release", "current", "v1", "v2", 100.0)
    view = View(name="shop", health="down", symptom="exit", exit_code=1, text=text, changes=(change,))
    scene = Scene(now=102.0, service="shop", opened_by="exit", views={"shop": view}, suspect_s=900.0)
    return rank(scene)[0].cause


@pytest.mark.parametrize(
    "words",
    [
        EXPIRED,
        "stripe.error.APIConnectionError: could not reach Stripe, timed out",
        "FATAL: primary db-0 unreachable for 30 s",
        "could not parse record at offset 7: malformed payload; retrying the same message",
    ],
)
def test_a_release_is_not_to_blame_for_what_the_one_before_would_meet_as_well(words: str) -> None:
    assert best("KeyError: 'price'") == "bad_deploy"
    assert best(words) != "bad_deploy"


@pytest.mark.parametrize(
    "words", ["", "KeyError: 'price'", "no such table: wishlist", "invalid setting in config"]
)
def test_what_an_older_release_may_help_against_asks_for_nothing_else(words: str) -> None:
    assert asked("shop", words) == ""


def test_people_are_told_what_was_asked_for_once_no_fix_is_left() -> None:
    desk = Desk()
    desk.open("partner")
    sentence = asked("partner", EXPIRED)
    ended = desk.find(Cause("crash", "partner", 1.0, (sentence,)), service="partner")
    assert isinstance(ended, FixesExhausted)
    assert ended.reason.endswith("what was said asks for rotate-cert (fixes of that kind: none)")


def test_the_newest_line_is_quoted_for_people() -> None:
    sentence = asked("shop", f"first\n{EXPIRED}\nlast\x1b[31m")
    assert sentence == f"what it says asks for rotate-cert: {EXPIRED}"
    assert remedy_in(["it is slow", sentence]) == "rotate-cert"
    assert remedy_in(["it is slow"]) == ""


def test_fixes_are_of_the_kinds_that_are_weighed() -> None:
    assert set(Remedy.__args__) - {""} == set(PRIORS)  # type: ignore[attr-defined]
    assert {fix.remedy for fix in load_fixes().values()} >= {"", "rollback", "failover", "scale"}
