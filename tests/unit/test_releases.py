"""Where a release is pointed back to, and that the same act never does it twice."""

import os
import stat
from pathlib import Path

import pytest

from platforms import releases
from platforms.platform import PlatformError
from platforms.releases import point, point_back, point_forward, pointed_back, version


@pytest.fixture
def link(tmp_path: Path) -> Path:
    for name in ("v1", "v2", "v9", "v10", "v11"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to("releases/v11")
    return link


def test_without_knowledge_the_version_that_sorts_before_is_the_one_before(link: Path) -> None:
    assert point_back(link, "act", ()).after == "v10"
    assert str(link.readlink()) == "releases/v10"


def test_the_newest_version_that_was_healthy_comes_first(link: Path) -> None:
    assert point_back(link, "act", ("v1", "v9", "removed meanwhile", "v11")).after == "v9"


def test_a_version_that_an_earlier_act_left_is_not_gone_back_to(link: Path) -> None:
    point_back(link, "act 1", ())
    point(link, "v9")
    (link.parent / "releases" / "v12").mkdir()
    point(link, "v12")
    assert point_back(link, "act 2", ()).after == "v10"
    assert point_back(link, "act 3", ()).after == "v9"
    point(link, "v11")
    assert point_back(link, "act 4", ()).after == "v9"


def test_after_an_act_that_was_taken_back_the_next_one_goes_further_back(link: Path) -> None:
    assert point_back(link, "act 1", ()).after == "v10"
    assert point_forward(link, "undo 1", undo_of="act 1").after == version(link) == "v11"
    assert point_back(link, "act 2", ()).after == "v9"


def test_what_was_deployed_since_is_not_taken_back_with_the_act_and_what_that_left_stays_left(
    link: Path,
) -> None:
    point_back(link, "act 1", ())
    (link.parent / "releases" / "v12").mkdir()
    point(link, "v12")
    with pytest.raises(PlatformError, match="changed since"):
        point_forward(link, "undo 1", undo_of="act 1")
    assert version(link) == "v12"
    assert point_back(link, "act 2", ()).after == "v10"


def test_where_every_earlier_one_was_tried_the_one_that_was_left_longest_ago_has_another_turn(
    link: Path,
) -> None:
    for n, name in enumerate(("v10", "v9", "v2", "v1", "v10")):
        assert point_back(link, f"act {n}", ()).after == name
        point_forward(link, f"undo {n}", undo_of=f"act {n}")


def test_the_same_act_goes_back_once(link: Path) -> None:
    assert pointed_back(link, "act") is None
    first = point_back(link, "act", ())
    assert point_back(link, "act", ()) == first == pointed_back(link, "act")
    assert version(link) == "v10"


def test_the_note_is_on_disk_before_the_link_changes(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut could keep the link and lose the note, and the same act would go back once more."""
    steps: list[str] = []
    replace, fsync = os.replace, os.fsync

    def told_replace(source: str | Path, target: str | Path) -> None:
        steps.append(f"replace {Path(target).name}")
        replace(source, target)

    def told_fsync(descriptor: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    monkeypatch.setattr(os, "replace", told_replace)
    monkeypatch.setattr(os, "fsync", told_fsync)
    point_back(link, "act", ())
    assert steps == ["sync file", "replace current.nightwarden", "sync folder", "replace current"]


def test_an_act_that_died_between_note_and_link_finishes_what_it_decided(
    link: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(releases, "point", power_cut)
        point_back(link, "act", ("v2",))
    assert pointed_back(link, "act") is None
    assert point_back(link, "act", ()).after == "v2"
    assert version(link) == "v2"


def test_what_somebody_pointed_elsewhere_since_stays_there(link: Path) -> None:
    point_back(link, "act", ())
    point(link, "v9")
    point_back(link, "act", ())
    assert version(link) == "v9"


def test_what_is_no_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(PlatformError, match="is not a symlink"):
        point_back(tmp_path / "current", "act", ())


def test_a_folder_that_cannot_be_written_is_an_answer_for_people(
    link: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(releases, "_write", full)
    with pytest.raises(PlatformError, match=r"cannot be pointed back: .*No space left"):
        point_back(link, "act", ())
    assert version(link) == "v11"
