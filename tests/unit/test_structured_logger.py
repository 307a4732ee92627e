import io
import json
import logging
import os
from typing import Any

import pytest

from utils.redact import Redactor
from utils.structured_logger import configure, get_logger


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_what_the_caller_bound() -> None:
    out = io.StringIO()
    configure(stream=out)
    get_logger("act_gate").bind(incident="i1", service="shop").warning(
        "fix refused", event_id="e1", odd={1, 2}.__class__
    )
    [line] = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning", "message": "fix refused", "source": "act_gate",
        "incident": "i1", "service": "shop", "event_id": "e1", "odd": "<class 'set'>",
    }  # fmt: skip


def test_a_lower_level_than_configured_is_not_written() -> None:
    out = io.StringIO()
    configure("WARNING", stream=out)
    get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    assert out.getvalue() == ""


def test_the_standard_librarys_records_come_along_with_their_traceback() -> None:
    out = io.StringIO()
    configure(stream=out)
    try:
        int("seven")
    except ValueError:
        logging.getLogger("library").exception("failed at %d", 7)
    [line] = lines(out)
    assert (line["source"], line["message"]) == ("library", "failed at 7")
    assert line["exception"].endswith("invalid literal for int() with base 10: 'seven'")


def test_no_secret_reaches_the_log_wherever_it_stands() -> None:
    out = io.StringIO()
    configure(stream=out, secrets=['hun"ter2'])
    log = get_logger()
    log.info("Authorization: Basic abcdef123456")
    log.info(
        "Authorization: Bearer abcdef.123456", token="t0psecret", deep={"list": [{"api_key": "t0psecret"}]}
    )
    log.info(
        'got hun"ter2',
        body='{"password": "t0psecret"}',
        url="https://me:t0psecret@host/?token=t0psecret&page=2",
    )
    try:
        int('hun"ter2')
    except ValueError:
        log.exception("failed")
    text = out.getvalue()
    assert not [leak for leak in ("ter2", "t0psecret", "abcdef") if leak in text]
    assert "page=2" in text
    assert len(lines(out)) == 4


@pytest.mark.parametrize(
    "harmless",
    ["max_tokens: 5", "the token ring", "basic understanding", "http://host:80/path?page=2", "basic idea"],
)
def test_harmless_text_stays_as_it_is(harmless: str) -> None:
    assert Redactor(["xyz"])(harmless) == harmless


def test_what_is_named_like_a_secret_is_hidden_whatever_type_it_has() -> None:
    fields = {"pin": 1, "Authorization": b"x", "inner": [{"db_password": 1234}], "token": ""}
    hidden = {"pin": 1, "Authorization": "[redacted]", "inner": [{"db_password": "[redacted]"}], "token": ""}
    assert Redactor().fields(fields) == hidden


def test_colours_only_on_a_terminal_which_untrusted_text_cannot_steer() -> None:
    out = Terminal()
    configure(stream=out)
    get_logger().info("hello", output="\x1b[2Jgone")
    assert "\x1b[" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_a_log_that_cannot_be_written_is_counted_and_harms_nobody() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w", closefd=False) as broken:
        sink = configure(stream=broken)
        get_logger().info("hello")
        assert sink.lost_lines == 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), write_end)
    os.close(write_end)
