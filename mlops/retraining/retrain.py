"""Retraining on drift: whether it may begin, and how far one that began has come."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.retraining.desk import Desk
from mlops.retraining.log import last_trained
from mlops.retraining.record import Run, path_of, read_run, told
from mlops.retraining.steps import advance, finish

Status = Literal[
    "not_needed", "cooling_down", "blocked", "waiting", "watching", "promoted", "rejected", "kept", "rolled_back", "superseded"
]  # fmt: skip
FINE: tuple[Status, ...] = (
    "not_needed",
    "cooling_down",
    "waiting",
    "watching",
    "promoted",
    "kept",
    "superseded",
)


class Report(Struct, frozen=True):
    status: Status
    says: str
    run: Run | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.status in FINE else 1


class InUseError(Exception):
    """Another process retrains this model at this moment."""


def retrain(spec: ModelSpec, drift_score: float, desk: Desk, *, force: bool = False) -> Report:
    """Begin a retraining, or go on with the one that has begun. `force` skips the cool-down alone."""
    try:
        with _alone(path_of(desk.places, spec.name).with_suffix(".lock")):
            return _retrain(spec, drift_score, desk, force=force)
    except InUseError:
        return Report("blocked", f"model {spec.name!r} is being retrained by another process")


def resume(spec: ModelSpec, desk: Desk) -> Report | None:
    """Go on with a retraining that waits for labels, is watched, or was cut off; None where there is none."""
    try:
        with _alone(path_of(desk.places, spec.name).with_suffix(".lock")):
            run = read_run(desk.disk, desk.places, spec.name)
            return None if run is None or run.step == "done" else _reported(_advanced(desk, spec, run))
    except InUseError:
        return None


def _retrain(spec: ModelSpec, drift_score: float, desk: Desk, *, force: bool) -> Report:
    run = read_run(desk.disk, desk.places, spec.name)
    went_on = run is not None and run.step != "done"
    if run is not None and went_on:
        run = _advanced(desk, spec, run)
    refusal = _refusal(spec, drift_score, desk, force=force)
    if run is not None and run.step != "done":
        if refusal is not None or (run.step != "watching" and not force):
            return _reported(run)
        finish(desk, run, "superseded", f"drift score {drift_score:g}: trained anew")
    elif refusal is not None:  # what just ended tells more than a cool-down
        return _reported(run) if run is not None and went_on else refusal
    now = desk.now()
    new = Run(
        id=f"{spec.name}-{int(now * 1000)}", model=spec.name, drift_score=drift_score, started_at=told(now)
    )
    return _reported(_advanced(desk, spec, desk.save(new)))


def _advanced(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    before = desk.registry(spec).pointer().generation
    run = advance(desk, spec, run)
    if desk.registry(spec).pointer().generation != before:
        desk.mirror(spec)
    return run


def _refusal(spec: ModelSpec, drift_score: float, desk: Desk, *, force: bool) -> Report | None:
    drift = desk.drift
    if not drift_score > drift.drift_threshold:
        says = f"no retraining: drift score {drift_score:g} is not above drift_threshold {drift.drift_threshold:g}"
        return Report("not_needed", says)
    if not drift.auto_retrain_enabled:
        return Report("blocked", "no retraining: drift_detection.auto_retrain_enabled is false")
    last = last_trained(desk.disk, desk.places, spec.name)
    if force or last is None:
        return None
    passed_h = (desk.now() - last) / 3600
    if passed_h >= drift.retraining_cooldown_hours:
        return None
    until = told(last + drift.retraining_cooldown_hours * 3600)
    says = f"no retraining: the last was {passed_h:.1f} h ago, the cool-down of {drift.retraining_cooldown_hours:g} h ends {until}; --force skips it"
    return Report("cooling_down", says)


def _reported(run: Run) -> Report:
    if run.step == "done":
        assert run.outcome
        return Report(run.outcome, run.says, run)
    return Report("watching" if run.step == "watching" else "waiting", run.says, run)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError from None
        yield
    finally:
        os.close(descriptor)
