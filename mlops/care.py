"""What the daemon does to a model, as blocking work for a worker process: look, repair, retrain, promote, roll back."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from config.model import DriftDetection, ModelValidation, Service
from config.monitoring import ModelSpec, MonitoringConfig, load_monitoring
from config.on_model import ModelPlatform
from mlops.errors import BadInputError
from mlops.hands import Done, Look
from mlops.marks import find_mark, note_mark
from mlops.pipeline import desk_of
from mlops.places import Places

if TYPE_CHECKING:
    from mlops.retraining.desk import Desk

MOST_NAMES = 20


class Terms(Struct, frozen=True):
    """What the daemon's own configuration says of all models: from when on one is ill, and what it may do then."""

    drift: DriftDetection = DriftDetection()
    validation: ModelValidation = ModelValidation()


class Model(Struct, frozen=True):
    """One watched model, as the configuration says at this moment."""

    spec: ModelSpec
    config: MonitoringConfig
    places: Places
    terms: Terms

    @property
    def table(self) -> Path:
        return self.places.table(self.spec.data)

    def desk(self) -> "Desk":
        return desk_of(self.places, self.config, self.terms.drift)


def model_of(service: Service, terms: Terms) -> Model:
    """Raises BadInputError, ConfigError."""
    platform = service.platform
    if not isinstance(platform, ModelPlatform):
        raise BadInputError(f"{service.name} is no model")
    config = load_monitoring(Path(platform.config), os.environ)
    places = Places(Path(platform.root).absolute())
    return Model(config.model(platform.model or service.name), config, places, terms)


# --- look ---


def look(service: Service, terms: Terms) -> Look:
    """The deepest trouble that there is: the table, then what was promoted last, drift, true performance."""
    model = model_of(service, terms)
    found = _at_table(model) or _at_retraining(model) or _at_versions(model) or _at_requests(model)
    return replace(found, next_s=model.config.watch.interval_s)


def _at_table(model: Model) -> Look | None:
    from mlops.monitoring.tables import state_of

    state = state_of(model.spec, model.config, model.places)
    if not state.damaged:
        return None
    names = state.columns[:MOST_NAMES]
    return Look(trouble="data_quality", reason=state.says, path=model.spec.data, names=names)


def _at_retraining(model: Model) -> Look | None:
    """Goes on with what waits for labels; promotion and rollback are the act gate's to permit."""
    from mlops.retraining.retrain import resume

    desk = replace(model.desk(), may_promote=False, may_roll_back=False)
    report = resume(model.spec, desk)
    run = report.run if report else None
    if report is None or run is None or run.step == "done":
        return None
    if run.step == "promoting":
        return Look(judging=report.says, promotable=run.challenger or 0, version=run.challenger or 0)
    if run.step == "watching":
        if not run.worse:
            return None
        return Look(trouble="worse_since_promotion", reason=report.says, version=run.challenger or 0)
    return Look(judging=report.says, version=run.challenger or 0)


def _at_versions(model: Model) -> Look | None:
    from mlops.retraining.versions import compare

    found = compare(model.spec, model.places, time.time())
    if found is None or found.alarm.says != "worse":
        return None
    return Look(
        trouble="worse_since_promotion", reason=found.says, metric="share of bad answers",
        value=found.alarm.after, before=found.alarm.before, version=found.champion,
    )  # fmt: skip


def _at_requests(model: Model) -> Look:
    from mlops.monitoring.look import look as looked
    from mlops.monitoring.result import retraining_wanted

    result = looked(model.spec, model.config, model.places, time.time())
    if retraining_wanted(result, model.terms.drift.drift_threshold):
        many = f"{len(result.drifted)} of {len(result.features)} features drifted"
        return Look(
            trouble="drift", reason=f"{many}: {', '.join(result.drifted[:MOST_NAMES])}",
            drift_score=result.drift_score, names=result.drifted[:MOST_NAMES], samples=result.window.rows,
        )  # fmt: skip
    true = result.performance
    least = model.terms.validation.min_accuracy_threshold
    enough = true is not None and true.figures.samples >= model.desk().limits.min_samples
    if true is not None and enough and true.figures.accuracy is not None and true.figures.accuracy < least:
        value = true.figures.accuracy
        reason = f"true accuracy {value:.3f} of {true.figures.samples} labels is below {least:g}"
        return Look(trouble="degraded", reason=reason, metric="accuracy", value=value, before=least)
    return Look(reason=f"{result.verdict.replace('_', ' ')} in {result.window.rows} requests")


# --- acts ---


def done_since(service: Service, terms: Terms, step: str, mark: str) -> Done | None:
    """What the act of this mark did; a rollback by the registry's own history, which knows it before we note it."""
    model = model_of(service, terms)
    if step == "rollback_model":
        for change in model.desk().registry(model.spec).history():
            if change.kind == "rolled_back" and change.details.get("act") == mark:
                return _rolled_back(change.from_version, change.to_version)
    return find_mark(model.places, model.spec.name, mark)


def carry_out(service: Service, terms: Terms, step: str, mark: str) -> Done:
    """One step of an act. Raises BadInputError where it cannot be done; nothing is half done then."""
    model = model_of(service, terms)
    done = _STEPS[step](model, mark)
    note_mark(model.places, model.spec.name, mark, step, done)
    return done


def take_back(service: Service, terms: Terms, step: str, way_back: str, mark: str) -> str:
    """What was done, for people."""
    from mlops.repair import undo

    model = model_of(service, terms)
    registry = model.desk().registry(model.spec)
    if step == "repair_data":
        undo(model.table, model.places)
        told = f"{model.spec.data} is as it was before the repair"
    elif step == "rollback_model":
        registry.promote(int(way_back), "the rollback did not help", details={"act": mark})
        told = f"version {way_back} is champion again"
    else:
        told = f"version {registry.rollback('the promotion is taken back', details={'act': mark})} is champion again"
    return told


def _repair(model: Model, mark: str) -> Done:
    from mlops.repair import repair_table
    from mlops.repair.roles import roles

    known = roles(model.table, model.config.models, model.places.root)
    report = repair_table(model.table, places=model.places, settings=model.config.repair, roles=known)
    left = f"; left for a person: {', '.join(report.quarantined)}" if report.quarantined else ""
    detail = f"{report.fixes} repairs in {model.spec.data}{left}"
    undo = f"{model.spec.data} as it was before, byte for byte" if report.changed else ""
    return Done(detail=detail, undo=undo, way_back=mark if report.changed else "")


def _roll_back(model: Model, mark: str) -> Done:
    registry = model.desk().registry(model.spec)
    before = registry.champion()
    version = registry.rollback("it does worse than the version before", details={"act": mark}, of=before)
    return _rolled_back(before, version)


def _rolled_back(before: int | None, version: int | None) -> Done:
    return Done(
        detail=f"version {version} is champion again, {before} was",
        undo=f"version {before} champion again",
        way_back=str(before) if before is not None else "",
    )


def _retrain(model: Model, _mark: str) -> Done:
    """The cool-down is the act gate's: a person or an earlier try of the same act may come sooner."""
    from mlops.retraining.retrain import retrain

    desk = replace(model.desk(), may_promote=False, may_roll_back=False)
    report = retrain(model.spec, _last_score(model), desk, force=True)
    if report.status in {"blocked", "rejected", "not_needed"}:
        raise BadInputError(report.says)
    return Done(detail=report.says)


def _last_score(model: Model) -> float:
    """Of the look that asked for it; 1 where none did: a model may be retrained because it fades."""
    try:
        alert = msgspec.json.decode(model.places.drift_alert.read_bytes())
    except (OSError, msgspec.DecodeError):
        return 1.0
    score = alert.get("drift_score", 0.0) if alert.get("model") == model.spec.name else 0.0
    return max(float(score), 1.0) if score <= model.terms.drift.drift_threshold else float(score)


def _promote(model: Model, _mark: str) -> Done:
    from mlops.retraining.retrain import resume

    report = resume(model.spec, replace(model.desk(), may_roll_back=False))
    if report is None or report.status not in {"watching", "promoted", "kept"}:
        raise BadInputError(report.says if report else "no version waits for its promotion")
    return Done(detail=report.says, undo="the version before champion again", way_back="before")


_STEPS = {
    "repair_data": _repair,
    "rollback_model": _roll_back,
    "retrain": _retrain,
    "promote_model": _promote,
}
