import errno
import os
import random
import re
from pathlib import Path

import msgspec
import pytest

from mlops.places import Places
from mlops.predictions.daily import DailyFile, days, forget
from mlops.predictions.reading import predictions
from mlops.predictions.records import (
    ID_FORM,
    Prediction,
    Shadow,
    Shadowed,
    Stamps,
    Value,
    rfc3339,
    time_of_id,
    unix,
)
from mlops.predictions.writing import BufferedLog, append_predictions

NOON = unix("2026-11-20T12:00:00Z")
DAY = "2026-11-20"


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file holds is the subject here, not what a power cut would leave of it."""
    monkeypatch.setattr("mlops.predictions.daily._sync", lambda descriptor: None)


def prediction(stamps: Stamps, at: float, features: dict[str, Value] | None = None) -> Prediction:
    number, timestamp = stamps.next(at)
    return Prediction(
        prediction_id=number,
        timestamp=timestamp,
        model="credit",
        model_version=3,
        features={"age": 35.0, "home": "rent"} if features is None else features,
        prediction=1,
        probability=0.75,
    )


def test_ids_are_unique_of_one_form_and_tell_their_time() -> None:
    stamps = [Stamps(), Stamps()]
    made = [stamps[n % 2].next(NOON + n / 7) for n in range(1000)]
    assert len({number for number, _ in made}) == 1000
    for n, (number, timestamp) in enumerate(made):
        assert re.search(ID_FORM, number)
        assert time_of_id(number) == unix(timestamp)
        assert abs(unix(timestamp) - (NOON + n / 7)) < 0.0011
    assert time_of_id("pred_99999999T999999999Z_00000000") is None
    assert time_of_id("invoice-7") is None


def test_what_was_written_is_read_back_as_columns(tmp_path: Path) -> None:
    places, stamps = Places(tmp_path), Stamps()
    first, second, third = (prediction(stamps, NOON + n * 86_400) for n in range(3))
    second = msgspec.structs.replace(
        second, features={"age": None, "home": None}, shadow=Shadow(4, 0, 0.25), probability=0.5
    )
    append_predictions(
        places, "credit", [first, second, third, Shadowed(first.prediction_id, Shadow(5, 1, 0.9))]
    )

    read = predictions(places, "credit")
    assert read.ids == [first.prediction_id, second.prediction_id, third.prediction_id]
    assert read.at.tolist() == [NOON, NOON + 86_400, NOON + 172_800]
    assert read.probability.tolist() == [0.75, 0.5, 0.75]
    assert read.shadow_version.tolist() == [5, 4, 0]
    assert str(read.shadow_probability.tolist()) == "[0.9, 0.25, nan]"
    assert str(read.features["age"].tolist()) == "[35.0, nan, 35.0]"
    assert read.features["home"].tolist() == ["rent", None, "rent"]

    window = predictions(places, "credit", NOON + 1, NOON + 172_800)
    assert window.ids == [second.prediction_id]


def test_rows_stand_in_order_of_time_whatever_the_order_of_writing(tmp_path: Path) -> None:
    stamps = Stamps()
    rows = [prediction(stamps, NOON + n, {"n": float(n)}) for n in range(50)]
    shuffled = random.Random(7).sample(rows, 50)
    append_predictions(Places(tmp_path), "credit", shuffled)
    read = predictions(Places(tmp_path), "credit")
    assert read.features["n"].tolist() == [float(n) for n in range(50)]
    assert read.ids == [row.prediction_id for row in rows]


def test_a_feature_that_came_later_is_missing_before_and_numbers_beside_texts_become_texts(
    tmp_path: Path,
) -> None:
    stamps = Stamps()
    rows = [{"a": 1.0}, {"a": "x", "b": 2.0}, {"b": 3}]
    append_predictions(Places(tmp_path), "credit", [prediction(stamps, NOON, row) for row in rows])
    read = predictions(Places(tmp_path), "credit")
    assert read.features["a"].tolist() == ["1", "x", None]
    assert str(read.features["b"].tolist()) == "[nan, 2.0, 3.0]"


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    read = predictions(Places(tmp_path), "credit")
    assert (read.rows, read.features, read.probability.dtype) == (0, {}, "float64")


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_torn_line_is_skipped_and_counted_and_harms_no_other(tmp_path: Path, cut: int) -> None:
    places, stamps = Places(tmp_path), Stamps()
    append_predictions(places, "credit", [prediction(stamps, NOON + n) for n in range(3)])
    path = places.predictions("credit") / f"{DAY}.jsonl"
    path.write_bytes(path.read_bytes()[:-cut] if cut > 1 else path.read_bytes() + b"{")
    torn = predictions(places, "credit")
    assert (torn.rows, torn.tally.torn) == ((3, 1) if cut == 1 else (2, 1))

    append_predictions(places, "credit", [prediction(stamps, NOON + 9)])
    read = predictions(places, "credit")
    assert (read.rows, read.tally.torn) == ((4, 1) if cut == 1 else (3, 1))


def test_bytes_that_are_no_record_are_counted(tmp_path: Path) -> None:
    places, stamps = Places(tmp_path), Stamps()
    append_predictions(places, "credit", [prediction(stamps, NOON)])
    path = places.predictions("credit") / f"{DAY}.jsonl"
    path.write_bytes(b"\xff\xfe\n[1]\n\n" + path.read_bytes() + b'{"prediction_id": 5}\n')
    read = predictions(places, "credit")
    assert (read.rows, read.tally.torn) == (1, 3)


def test_a_line_that_was_written_twice_counts_once(tmp_path: Path) -> None:
    places = Places(tmp_path)
    row = prediction(Stamps(), NOON)
    append_predictions(places, "credit", [row, row])
    read = predictions(places, "credit")
    assert (read.rows, read.tally.doubled) == (1, 1)


# --- a disk that takes a part, or nothing ----------------------------------------------------------------------------


class SmallDisk:
    """Takes so many bytes, as a disk does that fills up half way through a write."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = os.write(descriptor, data[: self.room])
        self.room -= taken
        return taken


def filled(folder: Path, disk: SmallDisk, lines: list[bytes], **options: int) -> BufferedLog:
    log = BufferedLog(folder, **options)
    log._file = DailyFile(folder, disk.write)
    for line in lines:
        log.add(DAY, line)
    return log


@pytest.mark.parametrize("room", range(60))
def test_wherever_a_full_disk_cuts_every_line_is_there_whole_in_the_end(tmp_path: Path, room: int) -> None:
    lines = [msgspec.json.encode({"n": n, "pad": "x" * n}) for n in range(3)]
    disk = SmallDisk(room)
    log = filled(tmp_path, disk, lines)
    log.flush()
    whole = sum(len(line) + 1 for line in lines)
    assert bool(log.figures.problem) == (room < whole - 1)
    disk.room = 10_000
    log.flush()
    assert (log.figures.problem, log.waiting, log.figures.written, log.figures.lost) == ("", 0, 3, 0)
    written = (tmp_path / f"{DAY}.jsonl").read_bytes().split(b"\n")
    assert [line for line in written if line in lines] == lines


def test_a_buffer_that_is_full_loses_the_new_and_counts_them(tmp_path: Path) -> None:
    log = filled(tmp_path, SmallDisk(0), [b"1", b"2", b"3"], room=2)
    log.flush()
    assert (log.waiting, log.figures.lost, log.figures.failed_writes) == (2, 1, 1)
    assert "No space left" in log.figures.problem
    log.close()
    assert log.figures.lost == 3


def test_one_write_carries_a_batch_so_that_no_reader_sees_half_a_line(tmp_path: Path) -> None:
    writes = []

    def write(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return os.write(descriptor, data)

    log = BufferedLog(tmp_path)
    log._file = DailyFile(tmp_path, write)
    for line in (b"1", b"2", b"3"):
        log.add(DAY, line)
    log.add("2026-11-21", b"4")
    log.flush()
    log.close()
    assert writes == [b"1\n2\n3\n", b"4\n"]
    assert [day for day, _ in days(tmp_path)] == [DAY, "2026-11-21"]


def test_days_beyond_their_retention_go_when_a_new_day_begins(tmp_path: Path) -> None:
    for day in ("2026-08-21", "2026-08-22", "2026-11-19"):
        (tmp_path / f"{day}.jsonl").write_text("{}\n")
    (tmp_path / "notes.txt").write_text("mine")
    log = BufferedLog(tmp_path, keep_days=90)
    log.add(DAY, b"{}")
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-08-22.jsonl",
        "2026-11-19.jsonl",
        "2026-11-20.jsonl",
        "notes.txt",
    ]
    assert forget(tmp_path, DAY, 1) == [tmp_path / "2026-08-22.jsonl"]


def test_a_time_reads_the_same_there_and_back() -> None:
    assert unix(rfc3339(NOON + 0.123)) == pytest.approx(NOON + 0.123, abs=1e-6)
