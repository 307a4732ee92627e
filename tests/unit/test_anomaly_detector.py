"""The anomaly detector: what it reports once, and the load peaks and noise on which it stays quiet."""

from random import Random
from typing import Any

import msgspec
import pytest

from agents.anomaly_detector import AnomalyDetector
from agents.events import AnomalyDetected, ObservationResumed, ServiceSampled, Tick
from tests.fixtures.chain import world_of

NAMES = ("requests_total", "wait_seconds_sum", "wait_seconds_count", "cpu_percent", "rss_mib", "queue_depth")


class Shop:
    """A service under load, as its scrapes show it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.agent = AnomalyDetector(world_of({"name": "shop"}))
        self.at = 0.0
        self.requests = self.wait_s = 0.0

    def run(
        self,
        seconds: float,
        *,
        load: float = 20.0,
        wait_s: float = 0.02,
        rss_mib: float = 60.0,
        life: str = "a",
    ) -> list[AnomalyDetected]:
        found: list[AnomalyDetected] = []
        for _ in range(int(seconds / 5)):
            self.at += 5
            random = self.random
            served = max(0.0, random.gauss(load, load * 0.2)) * 5
            self.requests += served
            self.wait_s += served * max(0.001, random.gauss(wait_s, wait_s * 0.2))
            cpu = max(0.0, random.gauss(load, 3.0))
            values = (
                self.requests,
                self.wait_s,
                self.requests,
                cpu,
                random.gauss(rss_mib, 1.0),
                random.gauss(load / 4, 2),
            )
            self.tell(
                ServiceSampled(service="shop", names=NAMES, values=values, incarnation=life, at=self.at)
            )
            found += self.tell(Tick(at=self.at))
        return found

    def tell(self, event: Any) -> list[AnomalyDetected]:
        made = []
        for result in self.agent.handle(event):
            assert isinstance(result, AnomalyDetected)
            made.append(msgspec.structs.replace(result, at=event.at))
            self.agent.apply(made[-1])
        return made


def test_a_lasting_rise_of_latency_is_reported_once() -> None:
    shop = Shop(1)
    assert shop.run(300) == []
    [anomaly] = shop.run(100, wait_s=0.9)
    assert (anomaly.service, anomaly.metric) == ("shop", "wait_seconds_mean")
    assert anomaly.value > 0.5
    assert anomaly.expected == pytest.approx(0.02, rel=0.3)
    assert anomaly.sigmas >= 8


@pytest.mark.parametrize("seed", range(4))  # many more in tests/integration/sweeps
def test_a_noisy_load_peak_and_plain_noise_report_nothing(seed: int) -> None:
    assert reported_of_peaks_and_noise(seed) == []


def reported_of_peaks_and_noise(seed: int) -> list[AnomalyDetected]:
    shop = Shop(seed)
    found = shop.run(400)
    for peak in (1.5, 2.2, 2.5, 1.8, 1.2):
        found += shop.run(40, load=20 * peak, wait_s=0.02 * peak, rss_mib=60 + 4 * peak)
    return [*found, *shop.run(200)]


def test_a_flood_of_requests_is_reported() -> None:
    shop = Shop(2)
    shop.run(300)
    assert "requests_per_s" in {anomaly.metric for anomaly in shop.run(60, load=400)}


def test_a_new_life_has_no_usual_memory_but_latency_stays_known() -> None:
    shop = Shop(3)
    shop.run(300)
    assert {anomaly.metric for anomaly in shop.run(60, rss_mib=900, wait_s=0.9, life="b")} == {
        "wait_seconds_mean"
    }


def test_what_was_reported_stays_muted_over_a_restart() -> None:
    shop = Shop(4)
    shop.run(300)
    assert shop.run(60, wait_s=0.9)
    reborn = Shop(4)
    reborn.agent.state = shop.agent.state
    reborn.run(200)
    assert reborn.run(60, wait_s=0.9) == []


def test_no_streak_goes_on_over_a_gap() -> None:
    shop = Shop(5)
    shop.run(300)
    assert shop.run(15, wait_s=0.9) == []
    assert shop.agent.handle(ObservationResumed(at=shop.at, gap_s=60)) == ()
    assert shop.run(20, wait_s=0.9) == []
    assert shop.run(10, wait_s=0.9)


def test_ticks_without_samples_say_nothing() -> None:
    assert AnomalyDetector(world_of({"name": "shop"})).handle(Tick(at=1)) == ()


def test_new_names_in_a_scrape_keep_the_old_series() -> None:
    agent = AnomalyDetector(world_of({"name": "shop"}))
    found: list[Any] = []
    for at in range(60):
        names = ("depth", "other")[: 1 + at % 2]
        depth = 10.0 if at < 50 else 200.0
        agent.handle(
            ServiceSampled(service="shop", names=names, values=(depth, 1.0)[: len(names)], at=float(at))
        )
        found += agent.handle(Tick(at=float(at)))
    assert {anomaly.metric for anomaly in found} == {"depth"}
