"""Two real halves of a suite: what they say is shown whole, and the one that fails decides."""

from pathlib import Path

import pytest

from tests import side_by_side

# the settings of the repository do not reach a folder elsewhere
QUICK = [f"-pno:{plugin}" for plugin in ("cacheprovider", "schemathesis", "hypothesispytest", "anyio")]


def test_each_half_says_all_it_has_to_say_and_the_one_that_fails_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("COVERAGE_FILE", str(tmp_path / "coverage"))
    (tmp_path / "test_good.py").write_text("def test_one(): print('unheard')\ndef test_two(): pass\n")
    (tmp_path / "test_bad.py").write_text("def test_three(): assert not 'three is wrong'\n")
    halves = tuple((str(tmp_path / name),) for name in ("test_good.py", "test_bad.py"))
    monkeypatch.setattr(side_by_side, "HALVES", halves)
    monkeypatch.setattr(side_by_side, "cores", lambda: 2)
    assert side_by_side.main(QUICK) == 1
    said = capfdbinary.readouterr().out
    assert b"2 passed in " in said
    assert said.index(b"three is wrong") > said.index(b"2 passed in ")
    assert said.endswith(b"in all: 2 passed, 1 failed\n")
