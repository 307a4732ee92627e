"""One look at a model: its window of predictions beside the frozen reference, and what labels say by now."""

from msgspec.structs import replace

from config.monitoring import ModelSpec, MonitoringConfig
from mlops.drift.arrays import Column
from mlops.drift.budget import Budget, spend
from mlops.drift.columns import Limits
from mlops.drift.decide import decide
from mlops.drift.reference import Reference, load_reference
from mlops.drift.verdict import Verdict
from mlops.monitoring.estimate import calibrated, estimate
from mlops.monitoring.performance import measure
from mlops.monitoring.proxies import PREDICTION, PROBABILITY, proxies
from mlops.monitoring.report import Maker, write_report
from mlops.monitoring.result import MonitoringResult, ReferenceSeen, Window
from mlops.monitoring.state import LookState, read_state, write_state
from mlops.monitoring.writing import files_of, write_alert, write_result
from mlops.places import Places
from mlops.predictions.reading import Predictions, predictions
from mlops.predictions.records import rfc3339, unix
from mlops.registry.locks import writing

_DAY_S, _HOUR_S = 86_400.0, 3600.0


def look(
    spec: ModelSpec,
    config: MonitoringConfig,
    places: Places,
    now: float,
    *,
    full: bool | None = None,
    maker: Maker | None = None,
) -> MonitoringResult:
    """Look, write what was found, remember what it cost; BadInputError where there is no usable reference.

    `full`: measure true performance and make the page for people; None: when the last time is long enough ago.
    A page is also made when drift begins.
    """
    reference = load_reference(places.reference(spec.name))
    path = places.look_state(spec.name)
    with writing(path.with_suffix(".lock")):
        newest = files_of(places.results, "monitoring", spec.name, "json")
        state, told = read_state(path, reference.card.fingerprint, newest[-1] if newest else None)
        due = _due(state, now, config.watch.full_report_h * _HOUR_S) if full is None else full
        since = now - config.watch.lookback_h * _HOUR_S
        if reference.card.not_before:
            since = max(since, unix(reference.card.not_before))
        rows = predictions(places, spec.name, since, now)
        result, after = _looked(spec, config, places, now, reference, rows, state, full=due)
        notes = [told] if told else []
        if due or (result.drift_detected and not state.drifting):
            window = _window(rows, reference)
            page, note = write_report(places, result, reference, window, config.drift.keep_reports, maker)
            after = replace(after, report=str(page.relative_to(places.root)))
            notes += [note] if note else []
        result = replace(result, report=after.report, notes=tuple(notes))
        # before the result: a look that is lost has cost something, but none is free
        write_state(path, replace(after, drifting=result.drift_detected))
        write_result(places, result, config.drift.keep_results)
        write_alert(places, result)
    return result


def _due(state: LookState, now: float, every_s: float) -> bool:
    return state.full_at is None or not 0 <= now - state.full_at < every_s


def _looked(
    spec: ModelSpec,
    config: MonitoringConfig,
    places: Places,
    now: float,
    reference: Reference,
    rows: Predictions,
    state: LookState,
    *,
    full: bool,
) -> tuple[MonitoringResult, LookState]:
    verdict, budget = _judged(config, now, reference, rows, state)
    state = replace(state, budget=budget)
    if full:
        state = _with_labels(spec, config, places, now, state)
    hours = config.watch.lookback_h
    result = MonitoringResult(
        model=spec.name,
        timestamp=rfc3339(now),
        drift_detected=verdict.verdict == "drift",
        drift_score=verdict.drift_score,
        verdict=verdict.verdict,
        needed=verdict.needed,
        drifted=verdict.drifted,
        features=verdict.features,
        outputs=verdict.outputs,
        unknown_columns=verdict.unknown_columns,
        window=Window(rfc3339(now - hours * _HOUR_S), rfc3339(now), rows.rows, rows.tally.torn),
        reference=ReferenceSeen(reference.card.fingerprint, reference.card.created_at, reference.card.rows),
        budget=budget,
        false_alarms_per_month=config.drift.false_alarms_per_month,
        proxies=proxies(spec, rows, reference, verdict, hours),
        estimated=estimate(spec, rows, state.calibration, state.calibration_gap),
        performance=state.performance,
        full_report=full,
    )
    return result, state


def _judged(
    config: MonitoringConfig, now: float, reference: Reference, rows: Predictions, state: LookState
) -> tuple[Verdict, Budget]:
    lookback_s, drift = config.watch.lookback_h * _HOUR_S, config.drift
    budget, level = spend(
        state.budget,
        now=now,
        window=f"{rows.rows} {rows.ids[0]} {rows.ids[-1]}" if rows.rows else "",
        per_month=drift.false_alarms_per_month,
        first_s=min(config.watch.interval_s, lookback_s),
        most_s=lookback_s,
    )
    limits = Limits(
        min_effect_sigmas=drift.min_effect_sigmas, detect_sigmas=drift.detect_sigmas, min_rows=drift.min_rows
    )
    return decide(reference, _window(rows, reference), level, limits), budget


def _with_labels(
    spec: ModelSpec, config: MonitoringConfig, places: Places, now: float, state: LookState
) -> LookState:
    performance, labelled = measure(spec, places, now, config.drift.labels_d * _DAY_S)
    calibration, gap = calibrated(spec, labelled)
    return replace(state, full_at=now, performance=performance, calibration=calibration, calibration_gap=gap)


def _window(rows: Predictions, reference: Reference) -> dict[str, Column]:
    """The features as logged, and the answers that the reference knows too."""
    window = dict(rows.features)
    answers = {PREDICTION: rows.prediction, PROBABILITY: rows.probability}
    for column in reference.outputs:
        if column.name in answers and rows.rows:
            window[column.name] = answers[column.name]
    return window
