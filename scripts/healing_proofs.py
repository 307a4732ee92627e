"""Three of the proofs of scripts/test_self_healing.py, on real pieces: data repair, rollback, retraining on drift."""

import contextlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import mlops.repair
from mlops.generators import Damage, credit_risk, damage
from mlops.generators.damage import Damaged
from mlops.monitoring.bootstrap import from_table
from mlops.monitoring.look import look
from mlops.monitoring.result import retraining_wanted
from mlops.registry.reader import Reader
from mlops.repair.plan import fences
from mlops.repair.roles import roles
from mlops.retraining.log import read_log
from mlops.retraining.measuring import measure
from mlops.tables import Table, write_table
from mlops.tables.table import make_table
from mlops.training.renewal import renew
from scripts import auto_retrain_on_drift, rollback_model
from scripts.healing_ground import DRIFT, MODEL, Ground, calm, must
from utils.disk import OsDisk

Lines = list[list[str]]


def called(main: Callable[[list[str]], int], ground: Ground, *words: str) -> tuple[int, str]:
    """(exit code, what it said) of a script's main, as a user would call it."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main([*words, "--root", str(ground.root), "--no-tracking"])
    return code, " ".join(said.getvalue().split())


# --- data ---


def data_repair(ground: Ground) -> str:
    """A table with damage that is known cell by cell is repaired, all else keeps its bytes, and undo restores it."""
    sound = calm(4000, seed=1)
    known = damage(
        sound, Damage(missing=0.02, outliers=0.01, types=0.01, duplicates=0.01, spared=("default",))
    )
    path = ground.table
    path.parent.mkdir(parents=True)
    known.write(path)
    before = path.read_bytes()
    report = mlops.repair.repair_table(
        path, places=ground.places, settings=ground.config.repair,
        roles=roles(path, ground.config.models, ground.root),
    )  # fmt: skip
    must(
        not report.exit_code, f"status {report.status}: quarantined {', '.join(report.quarantined) or 'rows'}"
    )
    _against_ledger(sound, known, _lines(path))
    must(report.schema.checked, "the schema was not checked")
    mlops.repair.undo(path, ground.places)
    must(path.read_bytes() == before, "undo does not restore every byte")
    return f"{len(known.ledger)} of {len(known.ledger)} damages repaired in {len(known.rows)} rows, and taken back"


def _lines(path: Path) -> Lines:
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


def _against_ledger(sound: Table, known: Damaged, after: Lines) -> None:
    doubled = {mark.line for mark in known.ledger if mark.kind == "duplicate"}
    kept = [(line, row) for line, row in enumerate(known.rows, 2) if line not in doubled]
    must(len(after) == len(kept), f"{len(after)} rows are left; {len(kept)} are no duplicates")
    marked = {(mark.line, mark.column): mark for mark in known.ledger}
    for (line, row), now in zip(kept, after, strict=True):
        for name, old, new in zip(known.names, row, now, strict=True):
            mark = marked.get((line, name))
            if mark is None:
                must(old == new, f"line {line}, column {name}: was whole, {old!r}, and is {new!r} now")
            else:
                told = f"line {line}, column {name}: {mark.kind} {old!r} became {new!r}"
                must(_plausible(sound, name, new), told)


def _plausible(sound: Table, name: str, text: str) -> bool:
    """A number between the fences of the sound values, a tenth of their distance more or less."""
    first, middle, third = np.quantile(sound.column(name), (0.25, 0.5, 0.75)).tolist()
    low, high = fences(first, middle, third, 1.5)
    room = 0.1 * (high - low)
    with contextlib.suppress(ValueError):
        return low - room <= float(text) <= high + room
    return False


# --- rollback ---


def model_rollback(ground: Ground) -> str:
    """A good version stays; a bad one that was promoted over it gives way, and the log tells by which figures."""
    good = credit_risk(4000, seed=1)
    write_table(good, ground.table)
    renew(ground.spec, good, ground.places, tracking=False)
    accuracy = measure(ground.places, ground.spec).accuracy
    answers = Reader(ground.places, MODEL).load_champion().score_table(good)
    code, said = called(rollback_model.main, ground, "--threshold", "0.70")
    reader = Reader(ground.places, MODEL)
    must(code == 0 and reader.champion() == 1, f"a good model (accuracy {accuracy:.2f}) did not stay: {said}")

    flipped = make_table({**good.columns, "default": 1 - good.column("default")})
    renew(ground.spec, flipped, ground.places, tracking=False, promote=True)
    must(reader.champion() == 2, "the bad version was not promoted by force")
    code, said = called(rollback_model.main, ground, "--threshold", "0.70")
    must(code == 0 and reader.champion() == 1, f"the bad version stayed: {said or 'nothing was said'}")
    same = zip(answers, reader.load_champion().score_table(good), strict=True)
    must(all(np.array_equal(a, b) for a, b in same), "the version before answers otherwise than it did")  # type: ignore[arg-type]  # of a classifier both are arrays
    entries = (
        json.loads(ground.places.rollback_log.read_text()) if ground.places.rollback_log.exists() else []
    )
    must(entries, f"{ground.places.rollback_log.name} is empty")
    last = entries[-1]
    must((last["from_version"], last["to_version"]) == (2, 1), f"the log tells of another rollback: {last}")
    must(last["current_metric"] < last["threshold"] == 0.70, f"the log lacks the figures: {last}")
    return f"version 2 (accuracy {last['current_metric']:.2f}) gave way to version 1 ({accuracy:.2f})"


# --- retraining ---


def drift_retraining(ground: Ground) -> str:
    """Drifted requests are found, a shadow is trained and waits for labels; with enough of them the gate lets it pass."""
    table = credit_risk(4000, seed=1)
    write_table(table, ground.table)
    renew(ground.spec, table, ground.places, tracking=False)
    from_table(ground.spec, ground.places, ground.table, time.time())
    ground.serve(credit_risk(2000, 2, DRIFT), span_s=3600)
    found = look(ground.spec, ground.config, ground.places, time.time(), full=False)
    must(found.verdict == "drift", f"the verdict is {found.verdict}, of {len(found.features)} moved features")
    must(retraining_wanted(found, 0.5), f"drift_score {found.drift_score:g} asks for no retraining")

    reader = Reader(ground.places, MODEL)
    code, said = called(auto_retrain_on_drift.main, ground)  # by the alert that the look wrote
    must(reader.champion() == 1, f"a shadow without one matured label was promoted: {said}")
    must(code == 0 and reader.challenger() == 2, f"no shadow was trained: {said}")
    must("more needed" in said, f"it does not say how many labels it waits for: {said}")
    ground.serve(credit_risk(3000, 3, DRIFT), span_s=0.001)
    code, said = called(auto_retrain_on_drift.main, ground)
    events = [event["event"] for event in read_log(OsDisk(), ground.places)["events"]]
    must(code == 0 and reader.champion() == 2, f"the gate did not let a better model pass: {said}")
    must("promoted" in events, f"the retraining log tells only of {', '.join(events)}")
    return f"drift_score {found.drift_score:g}; version 2 waited for labels, then passed the gate"
