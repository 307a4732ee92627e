"""How one effort to bring a service up watches it."""

import asyncio
from typing import Any

import pytest

from config.model import ExecProbe, HeartbeatProbe
from platforms.boot import Booted, Booter, Retry, Terms
from platforms.platform import ProbeResult
from tests.fixtures.recovery_stage import START_S, FakeProber, FakeProcesses, service


class Prober(FakeProber):
    """Each probe takes what `takes_s` says for it, the last one for ever; good from `good_at_s` on."""

    def __init__(self, takes_s: tuple[float, ...] = (0.0,), good_at_s: float = 0.0) -> None:
        super().__init__(FakeProcesses())
        self.takes_s = list(takes_s)
        self.good = lambda _: asyncio.get_running_loop().time() >= good_at_s

    async def probe(self, service: Any, probe: Any) -> ProbeResult:
        await asyncio.sleep(self.takes_s.pop(0) if len(self.takes_s) > 1 else self.takes_s[0])
        return await super().probe(service, probe)


async def boot(
    prober: Prober, shop: Any, processes: FakeProcesses | None = None, patience: int = 0
) -> Booted:
    retries: list[Retry] = []
    terms = Terms(mark="m", started=lambda _: None, retried=retries.append, patience=patience)
    return await Booter(processes or FakeProcesses(), prober).boot(lambda: shop, terms)


async def test_time_in_which_we_stood_still_is_not_held_against_the_service() -> None:
    prober = Prober(takes_s=(300.0, 0.0), good_at_s=305.0)
    assert (await boot(prober, service("shop"))).outcome == "up"


async def test_a_probe_that_always_times_out_is_held_against_it() -> None:
    prober = Prober(takes_s=(0.5,), good_at_s=1e9)
    assert (await boot(prober, service("shop"))).outcome == "slow"
    assert 19 < asyncio.get_running_loop().time() < 22


async def test_the_first_second_is_probed_eagerly_so_that_little_is_lost() -> None:
    prober = Prober(good_at_s=0.6)
    await boot(prober, service("shop"))
    assert asyncio.get_running_loop().time() < 0.7


async def test_a_probe_that_is_a_command_is_spared() -> None:
    prober = Prober(good_at_s=1.0)
    await boot(prober, service("shop", probe=ExecProbe(command=("true",), timeout_s=1.0)))
    assert len(prober.probed) <= 5


async def test_a_heartbeat_of_the_life_before_is_not_taken_for_a_start() -> None:
    processes = FakeProcesses()
    processes.lives_s = lambda _: 0.5
    shop = service("shop", probe=HeartbeatProbe(path="beat", timeout_s=1.0))
    booted = await boot(Prober(), shop, processes, patience=1)
    assert (booted.outcome, booted.reason) == ("dead", "it exited with code 1 while it booted")


async def test_what_somebody_stops_on_purpose_while_it_boots_is_not_started_again() -> None:
    processes = FakeProcesses()
    task = asyncio.ensure_future(boot(Prober(good_at_s=1e9), service("shop"), processes))
    await asyncio.sleep(1)
    await processes.stop("shop", signal="TERM", grace_s=1)
    assert (await task).reason == "it was stopped on purpose"


@pytest.mark.parametrize(
    ("mark", "missing", "at"), [("m", (), 5.0), ("another", (), 20.0), ("m", ("db",), 40.0)]
)
async def test_a_life_that_its_watcher_calls_ill_is_waited_for_no_longer(
    mark: str, missing: tuple[str, ...], at: float
) -> None:
    """While it lacks a dependency it cannot be well, and nobody's word ends its time."""
    clock = asyncio.get_running_loop().time
    booter = Booter(FakeProcesses(), Prober(good_at_s=1e9))
    terms = Terms(
        mark="m",
        started=lambda _: None,
        retried=lambda _: None,
        missing=lambda: missing if clock() < 20.0 else (),
    )
    asyncio.get_running_loop().call_later(5.0, booter.condemn, "shop", mark, "status 500")
    booted = await booter.boot(lambda: service("shop"), terms)
    assert booted.outcome == "slow"
    assert clock() == pytest.approx(at, abs=1.0)
    assert ("status 500" in booted.reason) is (at == 5.0)


async def test_a_life_that_began_while_its_effort_was_taken_over_is_told_all_the_same() -> None:
    told: list[str] = []
    terms = Terms(mark="m", started=lambda life: told.append(life.mark), retried=lambda _: None)
    processes, shop = FakeProcesses(), service("shop")
    task = asyncio.ensure_future(Booter(processes, Prober()).boot(lambda: shop, terms))
    await asyncio.sleep(START_S / 2)
    task.cancel()
    await asyncio.wait({task})
    assert processes.starts("shop") == [START_S]
    assert told == ["m"]
