"""The stand-in for Render as a program: one line of JSON, an end on SIGTERM, and clear words for a wrong world."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.fixtures.render_api.__main__ import main, parser
from tests.fixtures.render_api.world.faults import KINDS, SYMPTOMS

ROOT = Path(__file__).parents[2]
WITHIN_S = 20.0


def test_it_prints_its_place_serves_and_ends_on_sigterm(tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text('{"services": [{"name": "till", "disk": {"size_gb": 2}}], "pace": {"build_s": 1}}')
    command = [
        sys.executable,
        "-m",
        "tests.fixtures.render_api",
        "--world",
        str(world),
        "--speed",
        "100",
        "--key",
        "rnd_mine",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        place = json.loads(process.stdout.readline())
        asked = Request(f"{place['url']}/services", headers={"authorization": "Bearer rnd_mine"})
        with urlopen(asked, timeout=WITHIN_S) as reply:
            assert [item["service"]["name"] for item in json.load(reply)] == ["till"]
        with urlopen(f"{place['control']}/world", timeout=WITHIN_S) as reply:
            assert json.load(reply)["services"][0]["healthy"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"services": [{"nam": "till"}]}', "nam"),
        ('{"services": [], "pace": {"bild_s": 1}}', "bild_s"),
        ('{"services": [{"name": "till", "depends_on": ["db"]}]}', "db"),
        ('{"services": [{"name": "till"}, {"name": "till"}]}', "unique"),
    ],
)
def test_a_world_that_cannot_be_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    world = tmp_path / "world.json"
    world.write_text(text)
    assert main(["--world", str(world)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--speed", "0", "speed"), ("--fail", "2", "share"), ("--world", "/none", "/none")],
)
def test_an_option_that_cannot_be_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
) -> None:
    assert main([option, value]) == 2
    assert words in capsys.readouterr().err


def test_its_help_names_every_fault_and_release() -> None:
    text = parser().format_help()
    assert [name for name in (*KINDS, *SYMPTOMS) if name not in text] == []
