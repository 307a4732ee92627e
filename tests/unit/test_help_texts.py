"""What --help shows is true: every command has examples that parse, and every word is one that the daemon knows."""

import shlex
import typing

import pytest

from agents.incident.records import Status
from scripts import help_texts
from scripts.nightwarden import parser


def test_the_words_that_a_command_takes_are_those_that_the_daemon_knows() -> None:
    assert typing.get_args(Status) == help_texts.STATUSES


@pytest.mark.parametrize("command", help_texts.OF)
def test_every_command_shows_examples_that_parse(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([command, "--help"])
    shown = capsys.readouterr().out
    for example in help_texts.OF[command]:
        assert f"nightwarden {example}" in shown
        words = shlex.split(example, comments=True)
        assert words[0] == command
        assert parser().parse_args(words).command == command


def test_every_command_has_examples() -> None:
    [commands] = [action for action in parser()._actions if action.choices]
    assert set(help_texts.OF) == set(typing.cast("dict[str, object]", commands.choices))
