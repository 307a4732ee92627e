"""The page that outlives the process."""

import os
from pathlib import Path
from random import Random

from utils.in_hand import SLOT_BYTES, InHand


def test_only_what_was_in_hand_at_the_death_counts(tmp_path: Path) -> None:
    page = InHand(tmp_path / "page")
    assert page.deaths == {}
    page.begin("rca", "e1")
    page.end("rca", "e1")
    page.begin("rca", "e2")
    page.begin("hands/shop", "e3")
    page.begin("hands/pricing", "e4")
    page.end("hands/pricing", "e4")
    assert InHand(tmp_path / "page").deaths == {"e2": 1, "e3": 1}


def test_deaths_add_up_also_when_another_event_is_in_hand_between(tmp_path: Path) -> None:
    for in_hand in ("e1", "e2", "e1", "e1"):
        InHand(tmp_path / "page").begin("rca", in_hand)
    assert InHand(tmp_path / "page").deaths == {"e1": 3, "e2": 1}


def test_an_event_that_was_handled_at_last_is_forgotten(tmp_path: Path) -> None:
    for _ in range(2):
        InHand(tmp_path / "page").begin("rca", "e1")
    page = InHand(tmp_path / "page")
    page.begin("owner", "e1")
    page.end("owner", "e1")  # another agent's handling says nothing about this one's
    assert InHand(tmp_path / "page").deaths == {"e1": 2}
    page = InHand(tmp_path / "page")
    page.begin("rca", "e1")
    page.end("rca", "e1")
    assert InHand(tmp_path / "page").deaths == {}


def test_a_page_from_before_a_reboot_says_nothing(tmp_path: Path) -> None:
    InHand(tmp_path / "page", boot="one").begin("rca", "e1")
    assert InHand(tmp_path / "page", boot="two").deaths == {}


def test_more_lanes_than_slots_go_uncounted_and_slots_of_lanes_come_back(tmp_path: Path) -> None:
    page = InHand(tmp_path / "page")
    for number in range(2000):
        page.begin(f"hands/{number}", "e")
        page.end(f"hands/{number}", "e")
    for number in range(2000):
        page.begin(f"agent{number}", f"e{number}")
        page.end(f"agent{number}", f"e{number}")
    page.begin("agent1", "last")
    assert InHand(tmp_path / "page").deaths == {"last": 1}


def test_a_page_cut_short_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "page"
    for length in range(0, 258 * SLOT_BYTES, 64 * 97):
        page = InHand(path)
        page.begin("rca", "e1")
        page.close()
        path.write_bytes(path.read_bytes()[:length])
        page = InHand(path)
        assert page.deaths == {}
        assert page.problem
        assert (tmp_path / "page.corrupt").exists()
        page.begin("rca", "e2")
        assert InHand(path).deaths == {"e2": 1}
        path.unlink()


def test_a_flipped_bit_quarantines_no_other_event(tmp_path: Path) -> None:
    random = Random(3)
    for _ in range(60):
        path = tmp_path / "page"
        path.unlink(missing_ok=True)
        page = InHand(path)
        page.begin("rca", "e1")
        page.begin("owner", "e2")
        data = bytearray(path.read_bytes())
        data[random.randrange(3 * SLOT_BYTES)] ^= 1 << random.randrange(8)
        path.write_bytes(data)
        again = InHand(path)
        assert set(again.deaths) <= {"e1", "e2"}
        assert max(again.deaths.values(), default=0) <= 1


def test_every_flipped_bit_that_could_count_is_told(tmp_path: Path) -> None:
    path = tmp_path / "page"
    page = InHand(path, boot="b")
    page.begin("rca", "e1")
    page.begin("owner", "e2")
    page.end("owner", "e2")
    whole = path.read_bytes()
    header_bits = range(0, 8 * SLOT_BYTES, 1 if os.environ.get("NIGHTWARDEN_SOAK") else 61)
    slot_bits = [
        8 * (n * SLOT_BYTES + byte) + bit for n in (1, 2) for byte in (0, 1, 4, 8, 9) for bit in range(8)
    ]
    for place in (*header_bits, *slot_bits):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        again = InHand(path, boot="b")
        assert again.problem, f"bit {place}"
        assert set(again.deaths.items()) <= {("e1", 1)}


def test_without_a_disk_to_write_on_healing_goes_on(tmp_path: Path) -> None:
    page = InHand(tmp_path / "no such folder" / "page")
    page.begin("rca", "e1")
    page.end("rca", "e1")
    assert page.deaths == {}
