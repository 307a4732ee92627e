"""Deaths of the power and of the process at every boundary of the journal and of snapshots, with many fates."""

import pytest

from tests.unit.test_journal_damage import bits_flipped
from tests.unit.test_journal_power import EVERY, Story, sweep
from tests.unit.test_snapshots_power import sweep as sweep_of_snapshots

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize(("story", "death"), EVERY)
async def test_the_journal_keeps_what_it_acknowledged(story: Story, death: str) -> None:
    await sweep(story, death, range(1, 6))


@pytest.mark.parametrize("death", ["power", "process"])
async def test_the_last_saved_or_a_newer_snapshot_is_there(
    death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sweep_of_snapshots(death, range(3, 20), monkeypatch)


async def test_no_flipped_bit_of_a_journal_goes_unnoticed() -> None:
    await bits_flipped(600)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("story", "death"), EVERY)
async def test_it_survives_with_very_many_fates_of_unsynced_bytes(story: Story, death: str) -> None:
    await sweep(story, death, range(6, 40))
