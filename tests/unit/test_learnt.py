"""What was learnt, as the page, the status and recovery_strategies.json show it."""

from agents.adaptive_recovery import AdaptiveRecovery
from agents.events import DecayNoticed, LessonLearned, SettingChanged
from agents.performance_learner import PerformanceLearner
from agents.system_optimizer import SystemOptimizer
from scripts.learnt import lesson_items, sentences
from tests.fixtures.chain import world_of


def test_lessons_settings_and_decays_in_force_are_shown_with_their_reasons() -> None:
    world = world_of({"name": "shop"}, {"name": "worker"})
    recovery, learner, optimizer = AdaptiveRecovery(world), PerformanceLearner(world), SystemOptimizer(world)
    agents = {one.name: one for one in (recovery, learner, optimizer)}
    lesson = LessonLearned(service="shop", topic="boot", value=30.0, why="it boots slowly", at=7.0)
    recovery.apply(lesson)
    learner.apply(
        DecayNoticed(
            service="shop", metric="rss_mib", before=1.0, now=2.0, days=9, per_day=0.1, why="it grows"
        )
    )
    tried = SettingChanged(service="worker", step="tried", setting="probe_stretch", value=1.5, before=1.0)
    optimizer.apply(tried)
    items = lesson_items(agents.__getitem__, lambda at: f"at {at:g}")
    assert [item["kind"] for item in items] == ["lesson", "decay", "setting"]
    assert items[0]["at"] == "at 7"
    assert sentences(items, "shop") == ["it boots slowly", "it grows"]
    assert sentences(items, "worker") == ["probe_stretch 1.5 is tried"]
    optimizer.apply(
        SettingChanged(service="worker", step="kept", setting="probe_stretch", value=1.5, before=1.0)
    )
    recovery.apply(LessonLearned(service="shop", topic="boot", dropped=True))
    left = lesson_items(agents.__getitem__, str)
    assert sentences(left, "worker") == ["probe_stretch 1.5 was kept after a trial"]
    assert sentences(left, "shop") == ["it grows"]
