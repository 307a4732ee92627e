"""The kind of remedy for public incident stories, as their judge hands them over; skipped where there is no copy."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.fix import DATA, TO_REACH, advise, judged, remediate
from benchmarks.fix_cases import opened

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no copy of the stories at {DATA}; NIGHTWARDEN_BENCH_DATA says where"
)


def test_most_stories_get_their_remedy_with_and_without_the_words_of_the_alert() -> None:
    results = list(judged())
    share = TO_REACH / 10
    assert sum(right == said for right, said, _, _ in results) >= share * len(results)
    assert sum(right == said for right, _, said, _ in results) >= share * len(results)


def test_a_folder_its_path_as_text_and_the_judge_s_object_are_the_same_case() -> None:
    folder = min(path.parent for path in DATA.glob("*/meta.json"))
    case = opened(folder)
    judges = SimpleNamespace(
        before=case.before, after=case.after, step_s=60, services=case.services, graph=case.graph, target=None,
        logs=case.logs, traces=None, log_history=[], trace_history=[],
    )  # fmt: skip
    assert remediate(folder) == remediate(str(folder)) == remediate(judges) == remediate(vars(judges))
    alone = SimpleNamespace(before=case.before, after=case.after, alert=SimpleNamespace(**case.alert))
    assert remediate(alone), "figures and an alert are enough"


def test_the_name_of_the_folder_and_the_cause_are_not_read(tmp_path: Path) -> None:
    for folder in (path.parent for path in DATA.glob("*/meta.json")):
        other = tmp_path / "traffic-certificate-failover"
        shutil.copytree(folder, other)
        (other / "meta.json").chmod(0o644)
        meta = json.loads((other / "meta.json").read_text())
        meta |= {
            "case": "scale",
            "root_cause": {"remediation": "rotate-cert", "fault_type": "certificate expired"},
        }
        (other / "meta.json").write_text(json.dumps(meta))
        assert advise(other) == advise(folder)
        shutil.rmtree(other)
