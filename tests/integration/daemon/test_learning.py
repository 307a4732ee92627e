"""What was learnt, in a whole daemon in virtual time: a service that boots longer than declared is restarted no more."""

from agents.events import FixStarted, HealthChanged, LessonLearned
from config.loader import parse
from tests.fixtures.virtual_daemon import VirtualDaemon, play
from tests.fixtures.virtual_process import Script

SLOW = """{"windows": {"slow_probe_s": 60, "acts_per_service_per_hour": 100, "acts_per_hour": 100},
 "services": [{"name": "shop", "platform": {"type": "process", "command": ["serve"]}, "start_timeout_s": 5,
   "probe": {"type": "http", "url": "http://127.0.0.1:1/", "interval_s": 1, "timeout_s": 0.5}}]}"""


def test_a_slow_boot_is_left_alone_once_it_was_seen_to_come_to_a_good_end() -> None:
    async def scenario() -> None:
        config = parse(SLOW.encode(), "a test", {})
        async with VirtualDaemon(config, {"shop": Script(start_s=12.0)}) as virtual:
            for _ in range(5):
                assert await virtual.until(virtual.well, 900.0)
                if virtual.facts(LessonLearned, "shop"):
                    break
                virtual.world.send(virtual.world.living("shop"), 9)
                await virtual.until(lambda: not virtual.well(), 30.0)
            [lesson, *_] = virtual.facts(LessonLearned, "shop")
            assert lesson.topic == "boot"
            assert 12.0 < lesson.value <= 24.5
            before = len(virtual.facts(FixStarted, "shop"))
            virtual.world.send(virtual.world.living("shop"), 9)
            assert await virtual.until(lambda: len(virtual.facts(FixStarted, "shop")) > before, 30.0)
            assert await virtual.until(virtual.well, 60.0)
            assert len(virtual.facts(FixStarted, "shop")) == before + 1
            assert any(fact.late_boot_s > 12.0 for fact in virtual.facts(HealthChanged, "shop"))

    play(scenario())
