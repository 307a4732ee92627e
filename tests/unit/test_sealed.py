"""Small files in which no flipped bit changes what is believed."""

import contextlib

import pytest

from utils.clock import Offset
from utils.sealed import SealBrokenError, sealed, unsealed

OFFSET = Offset(boot_id="b1", offset_s=1700000000.25)


def test_what_was_sealed_is_read_back() -> None:
    assert unsealed(sealed(OFFSET), Offset) == OFFSET


def test_no_flipped_bit_and_no_cut_is_believed() -> None:
    whole = sealed(OFFSET)
    for place in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        with contextlib.suppress(SealBrokenError):
            assert unsealed(bytes(damaged), Offset) == OFFSET, (
                "in the white space, or the case of the checksum"
            )
    for length in range(len(whole) - 1):
        with pytest.raises(SealBrokenError):
            unsealed(whole[:length], Offset)


def test_data_of_another_kind_are_not_believed() -> None:
    with pytest.raises(SealBrokenError):
        unsealed(sealed({"boot_id": 5}), Offset)
