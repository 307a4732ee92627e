"""A new reference for the monitoring after a promotion: else the drift that asked for it would be told for ever."""

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.monitoring.bootstrap import from_predictions, from_table, set_aside
from mlops.places import Places
from mlops.predictions.reading import predictions
from mlops.retraining.harvest import current
from mlops.retraining.record import Run, unix

ENOUGH = 500  # requests; below that the table that it was trained on tells more


def renew_reference(spec: ModelSpec, run: Run, places: Places, now: float) -> None:
    """Freeze what was asked while the shadow was judged, or the table; a model without a reference gets none."""
    if not places.reference(spec.name).exists():
        return
    hours = (now - unix(run.since)) / 3600.0 if run.since else 0.0
    asked = predictions(places, spec.name, now - hours * 3600.0, now).rows if hours else 0
    old = set_aside(places, spec.name, force=True)
    try:
        if asked >= ENOUGH:
            from_predictions(spec, places, now, hours, run.since)
        else:
            window = current(spec, places)
            from_table(window, places, places.table(window.data), now, run.since)
    except BadInputError:
        if old is not None:
            for ending in (".npz", ".json"):
                old.with_suffix(ending).replace(places.reference(spec.name).with_suffix(ending))
        raise
