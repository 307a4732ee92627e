"""The steps of a retraining as an orchestrator calls them: plain words in, plain words out, each one safe to do again."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.loader import load
from config.model import Config, DriftDetection
from config.monitoring import ModelSpec, MonitoringConfig, load_monitoring
from config.settings import load_settings
from mlops.errors import BadInputError
from mlops.places import Places

if TYPE_CHECKING:
    from mlops.retraining.desk import Desk

SELF_HEALING = Path("config/self_healing_config.json")
MONITORING = Path("config/monitoring_config.json")
Answer = dict[str, Any]


def repair(model: str, root: str) -> Answer:
    """Repair the model's table. BadInputError where a part of it was quarantined: nobody trains on what is guessed."""
    from mlops.repair import repair_table
    from mlops.repair.roles import roles

    spec, config, places = _asked(model, root)
    table = places.table(spec.data)
    known = roles(table, config.models, places.root)
    report = repair_table(table, places=places, settings=config.repair, roles=known)
    if report.exit_code:
        left = ", ".join(report.quarantined) or f"{report.quarantined_rows} rows"
        raise BadInputError(f"quarantined: {left}", where=spec.data, do="mend it by hand, then run again")
    return {"status": report.status, "fixes": report.fixes, "rows": report.rows_after}


def look(model: str, root: str) -> Answer:
    """One look of the monitoring; `retrain` says whether its drift asks for a retraining."""
    from mlops.monitoring.look import look as looked
    from mlops.monitoring.result import retraining_wanted

    spec, config, places = _asked(model, root)
    result = looked(spec, config, places, time.time())
    return {
        "drift_detected": result.drift_detected,
        "drift_score": result.drift_score,
        "verdict": result.verdict,
        "retrain": retraining_wanted(result, self_healing(places).drift_detection.drift_threshold),
    }


def retrain(model: str, root: str, drift_score: float) -> Answer:
    """Train a shadow model, or go on with one that was begun."""
    from mlops.retraining.retrain import retrain as retrained

    spec, config, places = _asked(model, root)
    report = retrained(spec, drift_score, desk_of(places, config))
    if report.status == "blocked":
        raise BadInputError(report.says, where=spec.data)
    return {"status": report.status, "says": report.says}


def judge(model: str, root: str) -> Answer:
    """Go on with what waits for labels: the evaluation gate, the promotion, the watch over it."""
    from mlops.retraining.retrain import resume

    spec, config, places = _asked(model, root)
    report = resume(spec, desk_of(places, config))
    return {"status": report.status, "says": report.says} if report else {"status": "idle", "says": ""}


def self_healing(places: Places) -> Config:
    """The operator's switches; the defaults where there is no such file."""
    path = places.root / SELF_HEALING
    return load(path, os.environ) if path.exists() else Config()


def desk_of(places: Places, config: MonitoringConfig, drift: DriftDetection | None = None) -> "Desk":
    """What a retraining works with; `drift` as self_healing_config.json beside the model says, where none is given."""
    from mlops.gate.limits import limits_of
    from mlops.retraining.desk import Desk

    settings = load_settings(os.environ)
    return Desk(
        places=places, drift=drift or self_healing(places).drift_detection, limits=limits_of(settings),
        lookback_s=config.watch.lookback_h * 3600.0,
    )  # fmt: skip


def _asked(model: str, root: str) -> tuple[ModelSpec, MonitoringConfig, Places]:
    places = Places(Path(root).absolute())
    config = load_monitoring(places.root / MONITORING, os.environ)
    return config.model(model or None), config, places
