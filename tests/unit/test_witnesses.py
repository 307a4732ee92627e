"""Who counts as a witness against a service that answers its own probe well."""

from typing import Any

import pytest
from msgspec.structs import replace

from analysis.evidence import Deviation, Peer, Scene, View
from analysis.root_cause import rank
from analysis.witnesses import fail_together, witnesses

NOW = 1000.0
IDLE = Peer("db", ok=True, latency_s=0.005, usual_latency_s=0.005, cpu_percent=2.0)
SLOW = replace(IDLE, latency_s=0.5)


def caller(name: str, **more: Any) -> View:
    usual = {
        "probed": True,
        "depends_on": ("db",),
        "health": "healthy",
        "peers": (IDLE,),
        "troubled_at": NOW - 1,
    }
    return View(name=name, **(usual | more))


def ill(name: str, words: str = "", **more: Any) -> View:
    said = {
        "symptom": "bad_status" if words else "timeout",
        "status": 503 if words else None,
        "answer": words,
    }
    return caller(name, health="unhealthy", **(said | more))


def scene(*views: View, failing: tuple[str, ...] = (), **db: Any) -> Scene:
    known = (View(name="db", probed=True, **{"health": "healthy", "cpu_percent": 2.0, **db}), *views)
    return Scene(
        now=NOW, service=views[0].name, opened_by="timeout", views={view.name: view for view in known}, suspect_s=900.0,
        failing=frozenset(failing),
    )  # fmt: skip


WORDS = "db gave no answer in time"
REQUESTS_ROSE = (Deviation("http_requests_per_s", 90.0, 10.0, 9.0, NOW - 5),)
SLOWER = (Deviation("request_seconds_mean", 0.9, 0.1, 9.0, NOW - 5),)


@pytest.mark.parametrize(
    ("seen", "count"),
    [
        (scene(ill("a", WORDS)), 1),
        (scene(ill("a", WORDS), ill("b", WORDS)), 2),
        (scene(ill("a", WORDS), ill("b", "disk full")), 1),
        (scene(ill("a", WORDS, peers=(SLOW,))), 2),
        (scene(ill("a", WORDS), deviations=SLOWER), 2),
        (scene(ill("a", peers=(SLOW,))), 1),
        (scene(ill("a", peers=(SLOW,)), deviations=SLOWER), 2),
        (scene(ill("a")), 0),
        (scene(ill("a"), ill("b")), 1),
        (scene(ill("a"), caller("b"), failing=("a", "b")), 1),
        (scene(ill("a"), ill("b"), ill("c")), 2),
        (scene(ill("a"), ill("b"), caller("c"), caller("d")), 0),
        (scene(ill("a"), ill("b", depends_on=("a", "db"))), 0),
        (scene(ill("a", WORDS), ill("b", WORDS), started_at=NOW - 5), 0),
        (scene(ill("a", WORDS), ill("b", WORDS), started_at=NOW - 15), 2),
        (scene(ill("a", WORDS), ill("b", WORDS), deviations=REQUESTS_ROSE), 0),
        (scene(ill("a", WORDS, deviations=REQUESTS_ROSE), ill("b", WORDS)), 0),
        (scene(ill("a", WORDS, peers=(replace(IDLE, cpu_percent=80.0),)), ill("b", WORDS)), 0),
        (scene(ill("a", WORDS), ill("b", WORDS), cpu_percent=80.0, sampled_at=NOW), 0),
        (scene(ill("a", WORDS), ill("b", WORDS), cpu_percent=80.0, sampled_at=NOW - 5), 2),  # older than the look
        (scene(ill("a", peers=(replace(SLOW, cpu_percent=None),)), cpu_percent=None), 0),
        (scene(ill("a", WORDS, peers=(replace(SLOW, cpu_percent=None),)), cpu_percent=None), 2),
    ],
)  # fmt: skip
def test_how_many_witnesses_there_are(seen: Scene, count: int) -> None:
    assert witnesses(seen, "db") == count


def test_nobody_is_a_witness_against_itself_or_against_somebody_unknown() -> None:
    assert witnesses(scene(ill("a", WORDS)), "a") == 0
    assert witnesses(scene(ill("a", WORDS)), "nobody") == 0


def test_callers_that_ended_or_boot_or_have_no_probe_do_not_fail_together() -> None:
    assert fail_together(scene(ill("a"), ill("b")), "db") == ("a", "b")
    for health in ("down", "starting", "stopped"):
        assert fail_together(scene(ill("a"), caller("b", health=health), failing=("b",)), "db") == ()
    assert fail_together(scene(ill("a"), caller("b", probed=False), failing=("b",)), "db") == ()


def test_callers_that_fail_at_once_blame_what_they_share_and_not_themselves() -> None:
    best = rank(scene(ill("a"), caller("b"), failing=("a", "b")))[0]
    assert (best.cause, best.service, best.witnesses) == ("dependency_failure", "db", 1)
    assert "a and b, which all depend on db, fail at once" in best.evidence
    alone = rank(scene(ill("a"), caller("b"), failing=("a",)))[0]
    assert (alone.cause, alone.service, alone.witnesses) == ("hang", "a", 0)
