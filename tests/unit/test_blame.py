"""Who is blamed for the trouble of a caller: the deepest dependency against which enough speaks."""

from typing import Any

import pytest

from analysis.blame import MOST, dependency_evidence
from analysis.evidence import Deviation, Peer, Scene, View

LATE = 1_000_000.0
REFUSED = "connect to pricing:80 refused"


def view(name: str, *needs: str, **told: Any) -> View:
    return View(name=name, depends_on=needs, **{"health": "healthy", "addresses": (f"{name}:80",), **told})


def blamed(*views: View, refuted: tuple[tuple[str, str], ...] = ()) -> dict[str, float]:
    """Weights by culprit; the first service is the one in trouble."""
    found: dict[str, float] = {}
    for item in dependency_evidence(scene(views, refuted)):
        assert item.cause == "dependency_failure"
        found[item.service] = found.get(item.service, 0.0) + item.weight
    return found


def scene(views: tuple[View, ...], refuted: tuple[tuple[str, str], ...] = ()) -> Scene:
    return Scene(
        now=LATE, service=views[0].name, opened_by="timeout", suspect_s=900.0, refuted=refuted,
        views={each.name: each for each in views},
    )  # fmt: skip


def reasons(*views: View) -> list[str]:
    return [item.sentence for item in dependency_evidence(scene(views))]


# --- how deep ---


def test_the_deepest_that_fails_is_blamed_with_the_whole_story() -> None:
    views = (
        view("shop", "pricing"),
        view("pricing", "store", health="unhealthy"),
        view("store", health="down"),
    )
    assert list(blamed(*views)) == ["store"]
    assert reasons(*views) == [
        "pricing, on which shop depends, is unhealthy",
        "store, on which pricing depends, is down",
    ]


def test_who_need_one_another_in_a_circle_are_walked_once() -> None:
    circle = (
        view("shop", "pricing", health="unhealthy"),
        view("pricing", "store", health="unhealthy"),
        view("store", "shop", "pricing", health="unhealthy"),
    )
    assert list(blamed(*circle)) == ["store"]


def test_a_dependency_that_nobody_watches_is_blamed_by_nobody() -> None:
    assert blamed(view("shop", "elsewhere")) == {}


def test_a_deep_story_is_as_strong_as_its_strongest_link_and_has_an_upper_bound() -> None:
    strong, weak = view("pricing", "store", health="down"), view("store", health="down")
    peer = Peer("pricing", ok=False)
    alone = blamed(view("shop", "pricing", peers=(peer,)), view("pricing", health="down"))
    through = blamed(view("shop", "pricing", peers=(peer,)), strong, weak)
    assert alone["pricing"] == pytest.approx(MOST)
    assert through["store"] == pytest.approx(MOST)
    weaker = blamed(view("shop", "pricing"), strong, weak)
    assert weaker["store"] < MOST
    peers = (Peer("store", ok=False),)
    deep = (view("shop", "pricing"), view("pricing", "store", health="unhealthy", peers=peers), weak)
    assert blamed(*deep)["store"] == pytest.approx(MOST), "the link further down is the stronger one"


# --- what a look at it said ---


def test_a_peer_that_fails_its_probe_or_is_slow_is_suspect() -> None:
    for peer, told in (
        (Peer("pricing", ok=False, reason="refused"), "fails its own probe: refused"),
        (Peer("pricing", ok=False), "fails its own probe: no answer"),
        (Peer("pricing", ok=True, latency_s=1.5, usual_latency_s=0.01), "answers in 1.5 s, usually 0.01 s"),
        (Peer("pricing", ok=True, latency_s=1.5), "answers in 1.5 s"),
    ):
        [sentence] = reasons(view("shop", "pricing", peers=(peer,)), view("pricing"))
        assert sentence.endswith(told)


def test_a_peer_that_is_well_or_whom_nobody_could_see_is_none() -> None:
    for peer in (Peer("pricing", ok=True), Peer("pricing", ok=None, latency_s=9.0), Peer("queue", ok=False)):
        assert blamed(view("shop", "pricing", peers=(peer,)), view("pricing")) == {}


def test_a_good_look_takes_from_what_the_monitor_said_and_a_slow_or_failed_one_does_not() -> None:
    def weight(peer: Peer | None) -> float:
        caller = view("shop", "pricing", peers=(peer,) if peer else ())
        return blamed(caller, view("pricing", health="unhealthy"))["pricing"]

    alone = weight(None)
    assert weight(Peer("pricing", ok=True, latency_s=0.01, usual_latency_s=0.01)) < alone
    assert weight(Peer("pricing", ok=None)) == alone
    assert weight(Peer("pricing", ok=True, latency_s=1.5, usual_latency_s=0.01)) > alone
    assert weight(Peer("pricing", ok=False)) > alone


# --- its own health ---


def test_an_old_reason_is_told_of_the_ill_and_not_of_who_stopped_or_starts() -> None:
    for health, told in (
        ("down", ": old news"),
        ("unhealthy", ": old news"),
        ("stopped", ""),
        ("starting", ""),
    ):
        views = (view("shop", "pricing"), view("pricing", health=health, reason="old news"))
        assert reasons(*views) == [f"pricing, on which shop depends, is {health}{told}"]
    assert reasons(view("shop", "pricing"), view("pricing", health="down")) == [
        "pricing, on which shop depends, is down"
    ]


@pytest.mark.parametrize(
    ("age_s", "health", "suspect"),
    [(0.0, "healthy", True), (10.0, "healthy", True), (10.1, "healthy", False), (-0.1, "healthy", False)],
)
def test_who_was_started_just_before_is_suspect(age_s: float, health: str, *, suspect: bool) -> None:
    views = (view("shop", "pricing"), view("pricing", health=health, started_at=LATE - age_s))
    assert reasons(*views) == ([f"pricing was started {age_s:.0f} s before"] if suspect else [])


@pytest.mark.parametrize("health", ["down", "stopped"])
def test_the_start_of_who_does_not_run_any_more_says_nothing(health: str) -> None:
    assert len(reasons(view("shop", "pricing"), view("pricing", health=health, started_at=LATE - 1))) == 1


def test_that_a_callers_callee_was_just_started_is_too_little() -> None:
    views = (
        view("shop", "pricing"),
        view("pricing", "store", health="down"),
        view("store", started_at=LATE - 1),
    )
    assert list(blamed(*views)) == ["pricing"]


def deviation(metric: str, value: float = 9.0, age_s: float = 1.0) -> Deviation:
    return Deviation(metric, value, 3.0, 8.0, LATE - age_s)


def test_one_mean_above_its_level_speaks_against_a_dependency() -> None:
    means = (deviation("rss_mib"), deviation("latency_mean{path='/'}"), deviation("other_mean"))
    views = (view("shop", "pricing"), view("pricing", deviations=means))
    assert reasons(*views) == ["latency_mean{path='/'} of pricing is 9, usually 3"]


@pytest.mark.parametrize(
    "seen",
    [deviation("latency_mean", 3.0), deviation("latency_mean", 1.0), deviation("rss_mib"),
     deviation("latency_mean", age_s=180.5)],
)  # fmt: skip
def test_other_metrics_do_not(seen: Deviation) -> None:
    assert blamed(view("shop", "pricing"), view("pricing", deviations=(seen,))) == {}


# --- what the caller says of it ---


def test_a_boot_that_lacked_it_is_told_by_whoever_knew() -> None:
    told = reasons(view("shop", "pricing", missing=("pricing",)), view("pricing"))
    assert told == ["shop failed to boot while pricing was missing"]
    told = reasons(view("shop", "pricing", boot_words=REFUSED), view("pricing"))
    assert told == ["shop failed to boot for want of pricing", f"shop says: {REFUSED}"]
    told = reasons(view("shop", "pricing", boot_words=REFUSED, missing=("pricing",)), view("pricing"))
    assert told == ["shop failed to boot while pricing was missing", f"shop says: {REFUSED}"]


WELL = (Peer("pricing", ok=True, latency_s=0.01, usual_latency_s=0.01),)


def test_old_words_against_who_answers_well_count_little_and_the_words_of_this_moment_in_full() -> None:
    now = blamed(view("shop", "pricing", peers=WELL, answer=REFUSED), view("pricing"))
    assert now == blamed(view("shop", "pricing", peers=WELL, reason=REFUSED), view("pricing"))
    assert blamed(view("shop", "pricing", peers=WELL, text=REFUSED), view("pricing")) == {}
    unseen = blamed(view("shop", "pricing", text=REFUSED), view("pricing"))
    assert unseen == now, "nobody looked, so nothing contradicts them"


def test_old_words_against_who_answers_slowly_count_in_full() -> None:
    slow = (Peer("pricing", ok=True, latency_s=1.5, usual_latency_s=0.01),)
    silent = blamed(view("shop", "pricing", peers=slow), view("pricing"))["pricing"]
    said = blamed(view("shop", "pricing", peers=slow, text=REFUSED), view("pricing"))["pricing"]
    assert said - silent > 2.0


@pytest.mark.parametrize(
    ("status", "refuted", "counts"),
    [
        (503, (), True),
        (500, (), False),
        (None, (("hang", "shop"),), True),
        (None, (("hang", "store"),), False),
    ],
)
def test_a_caller_that_passes_an_error_on_or_was_treated_in_vain_is_believed(
    status: int | None, refuted: tuple[tuple[str, str], ...], *, counts: bool
) -> None:
    caller = view("shop", "pricing", peers=WELL, text=REFUSED, status=status)
    assert bool(blamed(caller, view("pricing"), refuted=refuted)) is counts


def test_older_words_count_less() -> None:
    older = REFUSED + "\nand so on" * 30
    assert (
        blamed(view("shop", "pricing", text=older), view("pricing")).get("pricing", 0.0)
        < blamed(view("shop", "pricing", text=REFUSED), view("pricing"))["pricing"]
    )


# --- who was not declared ---


def test_who_was_not_declared_is_found_by_address_or_where_it_is_ill_by_name() -> None:
    by_name = "no answer from pricing"
    assert list(blamed(view("shop", text=REFUSED), view("pricing", health="unhealthy"))) == ["pricing"]
    assert list(blamed(view("shop", text=REFUSED, health="down"), view("pricing", started_at=LATE - 1))) != []
    for health in ("unhealthy", "down", "stopped"):
        told = reasons(view("shop", text=by_name), view("pricing", health=health, addresses=()))
        assert told[0].startswith("pricing, of which shop speaks, is ")
    assert blamed(view("shop", text=by_name), view("pricing", addresses=())) == {}


def test_nobody_is_found_in_silence_and_nobody_blames_himself() -> None:
    assert blamed(view("shop"), view("pricing", health="down")) == {}
    assert blamed(view("shop", text="connect to shop:80 refused", health="down")) == {}
    declared = reasons(view("shop", "pricing", text=REFUSED), view("pricing", health="down"))
    assert len([line for line in declared if " is down" in line]) == 1, "once, though it is spoken of too"
