"""How the monitor tells one life from the next, without its loop."""

from pathlib import Path
from typing import Any

import pytest

from agents.events import (
    ChangeObserved,
    Event,
    HealthChanged,
)
from agents.monitoring.lives import ServiceLives
from agents.monitoring.state import Life, OpenAct, State, fold
from analysis.warm_up import Boot
from config.model import Config, Release, Service
from config.world import World
from platforms.platform import Exit, Incarnation, ProbeResult
from platforms.probing.rounds import Look
from tests.fixtures.monitor_kit import LocalPlatform, service

LATE = 1_000_000.0


class Lives:
    """The lives of `shop` and `model`, with the state that their own words are folded into."""

    def __init__(self, dry_run: bool = False, **more: Any) -> None:
        self.shop, self.model = service("shop", **more), service("model")
        self.state, self.platform = State(), LocalPlatform()
        world = World(Config(services=(self.shop, self.model)), {}, Path("state"), dry_run)
        self.lives = ServiceLives(world, self.platform, lambda: self.state)

    def put(self, mark: str, name: str = "shop") -> None:
        self.platform.living[name] = Incarnation(name, mark, 1, LATE)

    def heard(self, events: list[Event]) -> list[str]:
        """Folds what was said, and returns the healths."""
        for event in events:
            fold(self.state, event)
        return [event.health for event in events if isinstance(event, HealthChanged)]

    def notice(self, at: float) -> list[str]:
        return self.heard(self.lives.notice(self.shop, at))

    def end(self, mark: str, **more: Any) -> Exit:
        self.platform.living.pop("shop", None)
        return Exit(
            Incarnation("shop", mark, 1, LATE), **{"exit_code": 1, "signal": None, "output": "", **more}
        )


def look(ok: bool | None, latency_s: float = 0.01, mark: str = "a", at: float = LATE) -> Look:
    return Look("shop", mark, ok, ProbeResult(ok=bool(ok), latency_s=latency_s, reason="why"), at)


# --- lives begin and end ---


def test_a_process_that_comes_back_within_the_second_was_never_gone() -> None:
    on = Lives()
    on.put("a")
    assert on.notice(LATE) == ["starting"]
    for gone_at in (LATE + 10.0, LATE + 11.0):
        del on.platform.living["shop"]
        assert on.notice(gone_at) == on.notice(gone_at + 0.9) == []
        on.put("a")
        assert on.notice(gone_at + 0.95) == []
    del on.platform.living["shop"]
    assert on.notice(LATE + 20.0) == []
    assert on.notice(LATE + 21.0) == ["down"]
    assert on.notice(LATE + 30.0) == [], "told once"


def test_what_an_act_of_ours_took_away_is_not_missed() -> None:
    on = Lives()
    on.put("a")
    on.notice(LATE)
    on.state.acts["shop"] = OpenAct("act", "kill_restart")
    del on.platform.living["shop"]
    assert on.notice(LATE + 1.0) == on.notice(LATE + 60.0) == []


def test_what_is_stopped_on_purpose_is_neither_missed_nor_news_twice() -> None:
    on = Lives()
    on.put("a")
    on.notice(LATE)
    on.state.lives["shop"] = Life("a", "starting", stopped=True)
    assert on.notice(LATE + 60.0) == [], "whoever still lives then is not watched"
    end = on.end("a", wanted=True)
    assert on.heard(on.lives.ended(on.shop, end)) == ["stopped"]
    assert on.heard(on.lives.stopped(on.shop, "we stopped it")) == []


def test_the_end_of_a_former_life_says_nothing_of_the_present_one() -> None:
    on = Lives()
    end = on.end("a")
    on.put("b")
    on.notice(LATE)
    assert on.lives.ended(on.shop, end) == []
    assert on.lives.of("shop").incarnation == "b"


def test_an_end_that_we_wanted_leaves_no_life_to_be_missed() -> None:
    on = Lives()
    on.put("a")
    on.notice(LATE)
    assert on.lives.ended(on.shop, on.end("a", wanted=True)) == []
    assert on.notice(LATE + 60.0) == []


@pytest.mark.parametrize(("rebooted", "said"), [(False, ["down"]), (True, [])])
def test_after_a_start_of_ours_only_what_ran_is_missed_and_nothing_after_a_reboot(
    rebooted: bool, said: list[str]
) -> None:
    on = Lives()
    on.state.lives = {"shop": Life("a", "healthy"), "model": Life("m", "down")}
    on.lives.open(LATE, rebooted=rebooted)
    on.lives.notice(on.shop, LATE)
    assert on.heard(on.lives.notice(on.shop, LATE + 1.0)) == said
    on.lives.notice(on.model, LATE)
    assert on.lives.notice(on.model, LATE + 1.0) == [], "its end was told before"


def test_a_life_that_is_found_again_has_its_whole_time_to_start() -> None:
    on = Lives(start_timeout_s=20.0)
    on.state.lives["shop"] = Life("a", "starting")
    on.lives.open(LATE, rebooted=False)
    verdicts = [on.lives.observe(on.shop, look(ok=False, at=LATE + n)) for n in (1.0, 2.0, 19.0, 20.0)]
    assert verdicts == [None, None, None, "unhealthy"]


def test_only_in_a_dry_run_is_watched_what_we_did_not_start() -> None:
    assert Lives().lives.mark("shop") is None
    assert Lives(dry_run=True).lives.mark("shop") == ""
    assert Lives(dry_run=True, probe=None).lives.mark("shop") is None
    assert Lives(dry_run=True).lives.mark("stranger") is None


@pytest.mark.parametrize(("interval_s", "apart_s"), [(0.5, 0.25), (1.0, 0.5), (30.0, 0.5)])
def test_two_failures_at_one_blip_are_one(interval_s: float, apart_s: float) -> None:
    for gap_s, verdict in ((apart_s - 0.01, None), (apart_s, "unhealthy")):
        on = Lives()
        on.shop = service("shop", interval_s, 0.1)
        on.put("a")
        on.notice(LATE - 1000)
        on.heard(on.lives.healthy(on.shop, LATE - 999))
        assert on.lives.observe(on.shop, look(ok=False, at=LATE)) is None
        assert on.lives.observe(on.shop, look(ok=False, at=LATE + gap_s)) == verdict


@pytest.mark.parametrize(("proved", "tolerated"), [("v1", True), ("v2", False), ("", False)])
def test_only_a_release_that_is_not_yet_proved_may_be_blamed_for_errors_while_it_boots(
    proved: str, *, tolerated: bool
) -> None:
    on = Lives()
    on.state.lives, on.state.releases = {"shop": Life("a", "down")}, {"shop": "v2"}
    on.state.proved, on.state.warmups = {"shop": proved}, {"shop": (Boot(2.0),)}
    on.lives.open(LATE, rebooted=False)
    on.put("b")
    on.notice(LATE)
    assert (on.lives.of("shop").tolerance is not None) is tolerated


# --- where no probe can say more ---


def test_without_a_probe_a_second_alive_is_healthy_and_a_second_stopped_is_not() -> None:
    on = Lives(probe=None)
    on.put("a")
    assert on.notice(LATE) == ["starting"]
    assert on.notice(LATE + 0.9) == []
    assert on.notice(LATE + 1.0) == ["healthy"]
    assert on.notice(LATE + 2.0) == []
    on.platform.frozen = {"shop"}
    assert on.notice(LATE + 10.0) == on.notice(LATE + 10.9) == []
    assert on.notice(LATE + 11.0) == ["unhealthy"]
    assert on.notice(LATE + 12.0) == []
    on.platform.frozen = set()
    assert on.notice(LATE + 13.0) == ["healthy"]
    on.platform.frozen = {"shop"}
    assert on.notice(LATE + 20.0) == [], "each stop has its own second"


def test_a_new_life_is_not_blamed_for_the_stop_of_the_last_one() -> None:
    on = Lives(probe=None)
    on.put("a")
    on.notice(LATE)
    on.platform.frozen = {"shop"}
    on.notice(LATE + 0.5)
    on.put("b")
    assert on.notice(LATE + 1.0) == ["starting"]
    assert on.notice(LATE + 1.6) == []


# --- what a dependency says to its callers ---


def test_a_caller_hears_how_a_dependency_does_and_how_fast_it_usually_is() -> None:
    on = Lives()
    seen = on.lives.seen(on.shop, None)
    assert (seen.ok, seen.reason) == (False, "it does not run")
    on.put("a")
    on.notice(LATE)
    assert on.lives.seen(on.shop, None).ok is None, "not looked at yet"
    assert on.lives.seen(on.shop, look(ok=False)).usual_latency_s == 0.0
    on.lives.observe(on.shop, look(ok=True, latency_s=0.02))
    for ok in (False, None, False, None):
        on.lives.observe(on.shop, look(ok=ok, latency_s=0.001))
    seen = on.lives.seen(on.shop, look(ok=True, latency_s=0.5))
    assert (seen.ok, seen.latency_s, seen.usual_latency_s, seen.reason) == (True, 0.5, 0.02, "why")


def test_a_dependency_without_a_probe_is_well_while_it_runs() -> None:
    on = Lives(probe=None)
    on.put("a")
    assert on.lives.seen(on.shop, None).ok is True


def test_what_leaves_the_configuration_is_forgotten_and_nobody_else() -> None:
    on = Lives()
    on.put("a")
    on.notice(LATE)
    on.lives.observe(on.shop, look(ok=True, latency_s=0.02))
    on.lives.keep({"shop"})
    assert on.lives.seen(on.shop, look(ok=True)).usual_latency_s == 0.02
    on.lives.keep({"model"})
    assert on.lives.seen(on.shop, look(ok=True)).usual_latency_s == 0.0
    assert on.lives.of("shop").incarnation is None


# --- releases ---


def with_release(tmp_path: Path) -> tuple[Lives, Path]:
    link = tmp_path / "current"
    for version in ("v1", "v2", "v3"):
        (tmp_path / version).mkdir()
    link.symlink_to("v1")
    return Lives(release=Release(current=str(link))), link


def point(link: Path, version: str) -> None:
    link.unlink()
    link.symlink_to(version)


def test_a_release_is_news_once_and_not_where_our_own_act_changed_it(tmp_path: Path) -> None:
    on, link = with_release(tmp_path)
    shop: Service = on.shop
    assert on.lives.release(shop) == [], "the first look knows of none before"
    point(link, "v2")
    [change] = on.lives.release(shop)
    assert isinstance(change, ChangeObserved)
    assert (Path(change.before).name, Path(change.after).name) == ("v1", "v2")
    assert on.lives.release(shop) == []
    on.state.acts["shop"] = OpenAct("act", "rollback_release")
    point(link, "v1")
    assert on.lives.release(shop) == []
    on.state.acts["shop"] = OpenAct("act", "restart")
    point(link, "v3")
    assert len(on.lives.release(shop)) == 1
    link.unlink()
    assert on.lives.release(shop) == [], "nothing to read is no release"
    on.lives.keep({"model"})
    link.symlink_to("v1")
    assert on.lives.release(shop) == [], "what left the configuration has no release before"
