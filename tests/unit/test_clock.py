"""The steady clock."""

from pathlib import Path

from utils.clock import Offset, SteadyClock, choose_offset, open_clock, rfc3339


def test_the_offset_stays_within_one_boot_whatever_the_wall_clock_says() -> None:
    stored = Offset(boot_id="b1", offset_s=1000.0)
    assert choose_offset(stored, "b1", boot_time=50, wall=999_999, last_at=1040) == stored


def test_a_new_boot_takes_the_wall_clock_but_never_goes_back() -> None:
    stored = Offset(boot_id="b1", offset_s=1000.0)
    assert choose_offset(stored, "b2", boot_time=5, wall=2000, last_at=1500).offset_s == 1995
    assert choose_offset(stored, "b2", boot_time=5, wall=1000, last_at=1500).offset_s == 1495


def test_a_damaged_file_costs_only_the_old_offset(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text('{"boot_id": ')
    clock, _ = open_clock(path, last_at=5.0)
    assert clock.now() >= 5.0


def test_now_follows_the_boot_clock() -> None:
    boot = [10.0]
    clock = SteadyClock(100.0, lambda: boot[0])
    boot[0] += 3
    assert clock.now() == 113.0


def test_people_read_utc_ending_in_z() -> None:
    text = rfc3339(SteadyClock(0.0).wall(SteadyClock(0.0).now()))
    assert text.endswith("Z")
    assert len(text) == len("2026-01-01T00:00:00.000Z")
