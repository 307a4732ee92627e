"""What untrusted text says: exceptions, known symptoms, trouble with peers; and what it must not do."""

import time

import pytest

from analysis.signatures import (
    connection_trouble,
    exception,
    fresh,
    has_traceback,
    names_file,
    quote,
    symptoms,
)

PYTHON = 'Traceback (most recent call last):\n  File "/srv/shop.py", line 31, in load\n    raise\nValueError: bad id 4711'


def test_the_last_exception_counts_and_its_numbers_are_masked() -> None:
    assert exception(PYTHON) == "ValueError: bad id #"
    assert exception(PYTHON + "\nduring that\nKeyError: 'x'") == "KeyError: 'x'"
    assert (
        exception("java.lang.NullPointerException\n\tat com.shop.Main(Main.java:3)") == "NullPointerException"
    )
    assert (
        exception("panic: runtime error: index out of range [3]")
        == "panic: runtime error: index out of range [#]"
    )
    assert exception("all is well") == ""


def test_tracebacks_of_several_languages_are_seen() -> None:
    assert has_traceback(PYTHON)
    assert has_traceback("goroutine 1 [running]:")
    assert not has_traceback("no trace here")


@pytest.mark.parametrize(
    "harmless", ["the room is warm", "zoom level 3", "latency 3 ms", "memory at 40 %", "disk ok"]
)
def test_ordinary_lines_say_nothing(harmless: str) -> None:
    assert list(symptoms(harmless)) == []


@pytest.mark.parametrize(
    "last_words",
    [
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 14: invalid start byte",
        "SyntaxError: Unexpected token \ufffd in JSON at position 20",
        "panic: invalid character '\\x00' looking for beginning of value",
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "sqlite3.DatabaseError: file is not a database",
    ],
)
def test_last_words_over_a_damaged_file_speak_for_its_corruption(last_words: str) -> None:
    assert [reading.cause for reading in symptoms(last_words)] == ["state_corruption"]


def test_the_newest_line_is_quoted_and_old_lines_weigh_less() -> None:
    [new] = symptoms("No space left on device a\nNo space left on device b")
    assert new.line.endswith("b")
    [old] = symptoms("No space left on device\n" + "fine\n" * 60)
    assert old.recency < new.recency == 1


def test_a_peer_is_known_by_name_and_by_address_but_only_in_trouble() -> None:
    peer = ("127.0.0.1:9002", "localhost:9002")
    assert connection_trouble("call to model_api timed out", "model-api", peer)
    assert connection_trouble("GET http://localhost:9002/x: connection refused", "model-api", peer)
    assert connection_trouble("model-api loaded in 3 s", "model-api", peer) is None
    assert connection_trouble("remodel-api timed out", "model-api", peer) is None
    assert connection_trouble("connection to 10.0.0.7:5432 refused", "model-api", peer) is None


def test_a_name_with_special_characters_is_only_a_name() -> None:
    assert connection_trouble("anything timed out", ".*", ()) is None


def test_lines_with_a_time_that_were_there_before_are_not_fresh() -> None:
    before = "12:00:01 boom\nboom"
    assert fresh(before + "\n12:09:44 new", before) == "boom\n12:09:44 new"


def test_a_file_is_recognised_by_its_name() -> None:
    assert names_file("cannot parse /srv/data/shop.json", "data/shop.json")
    assert not names_file("cannot parse it", "data/shop.json")


def test_quotes_are_short_and_printable() -> None:
    assert quote("  a\x1b[31mb\x00 ") == "a [31mb"
    assert len(quote("x" * 500)) == 120


def test_hostile_text_costs_little_time() -> None:
    began = time.process_time()
    for text in (
        "a" * 100_000,
        "a." * 50_000,
        "Error" * 20_000,
        "\n" * 100_000,
        "4711 " * 20_000,
        ": " * 50_000,
    ):
        exception(text)
        has_traceback(text)
        list(symptoms(text))
        connection_trouble(text, "model-api", ())
    assert time.process_time() - began < 1
