"""The steps of a retraining. Each can be done again after a crash in the middle of it: what it already did is found done."""

from collections.abc import Callable
from typing import Any

import msgspec

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.gate import Evidence, judge
from mlops.predictions.reading import predictions
from mlops.registry.registry import Registry
from mlops.retraining import window
from mlops.retraining.desk import Desk
from mlops.retraining.gathering import Models, baseline, held_out, served, slope_of, training_slope
from mlops.retraining.harvest import current, gather
from mlops.retraining.record import Outcome, Run, Step, told, unix
from mlops.retraining.watching import watching
from mlops.tables import Table, fingerprint, read_table

SERVED_S = 7 * 86_400.0  # requests this young mean that the model is in use
PATIENCE_S = 30 * 86_400.0  # for labels


def finish(desk: Desk, run: Run, outcome: Outcome, says: str) -> Run:
    """The event first: a crash in between logs nothing twice, since a run's event is logged once."""
    desk.log(run, outcome, says)
    return desk.save(_with(run, step="done", outcome=outcome, says=says))


def _with(run: Run, **fields: Any) -> Run:
    return msgspec.structs.replace(run, **fields)


def requested(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    spec = gather(spec, desk.places, desk.now() - desk.lookback_s)
    table = _table(desk, spec)
    registry = desk.registry(spec)
    champion = known_table(registry, registry.champion())
    desk.log(run, "requested", f"drift score {run.drift_score:g}")
    if found := list(window.problems(table, spec, champion)):
        return finish(desk, run, "blocked", f"{spec.data}: {'; '.join(found)}")
    return desk.save(
        _with(run, step="training", champion=registry.champion(), fingerprint=fingerprint(table).content)
    )


def training(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    registry = desk.registry(spec)
    registry.reconcile()
    version = _registered(registry, run)
    if version is None:
        table = _table(desk, spec)
        if fingerprint(table).content != run.fingerprint:
            return finish(desk, run, "blocked", f"{spec.data} changed while it was to be trained on")
        known = window.known_rows(table, known_table(registry, run.champion))
        parts = window.parts(table, spec, known, seed=desk.seed)
        trained = desk.train(spec, table.take(parts.train))
        version = registry.register(
            trained,
            reason=f"retraining {run.id}",
            details={
                "run": run.id,
                "table": run.fingerprint,
                "rows": table.rows,
                "known": known,
                **training_slope(trained),
            },
        )
    run = _with(run, challenger=version)
    desk.log(run, "trained", f"version {version}")
    if run.champion is None:
        return finish(desk, run, "promoted", f"version {version} is the first: there is none to compare with")
    return desk.save(_with(run, step="shadowing", since=told(desk.now())))


def _registered(registry: Registry, run: Run) -> int | None:
    """The version that this run registered before it was cut off."""
    return next(
        (each.to_version for each in registry.history()
         if each.kind == "registered" and each.details.get("run") == run.id),
        None,
    )  # fmt: skip


def known_table(registry: Registry, champion: int | None) -> window.Known | None:
    """A retrained version was trained on a part of its table: the whole of it stands in the history."""
    if champion is None:
        return None
    card = registry.load(champion).card
    for change in registry.history():
        if change.kind == "registered" and change.to_version == champion and "table" in change.details:
            return window.Known(card.features, str(change.details["table"]), int(change.details["rows"] or 0))
    return window.Known(card.features, card.data.fingerprint, card.data.rows)


def shadowing(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    registry = desk.registry(spec)
    assert run.champion is not None
    assert run.challenger is not None
    if registry.champion() != run.champion:
        return _withdrawn(desk, registry, run, "superseded", "another version was promoted meanwhile")
    if registry.challenger() != run.challenger:
        registry.set_challenger(run.challenger, f"retraining {run.id}")
    models = Models(registry.load(run.champion), registry.load(run.challenger))
    run, evidence = _evidence(desk, spec, run, models)
    if not _due(desk, run, len(evidence.labels)):
        return _waiting(desk, registry, run, len(evidence.labels))
    return _judged(desk, registry, run, evidence)


def _evidence(desk: Desk, spec: ModelSpec, run: Run, models: Models) -> tuple[Run, Evidence]:
    """Served requests where the model is in use; else, once, rows that neither model has seen."""
    if run.evidence == "" and not _in_use(desk, run):
        table = _table(desk, spec)
        if fingerprint(table).content == run.fingerprint:
            known = window.known_rows(table, known_table(desk.registry(spec), run.champion))
            parts = window.parts(table, spec, known, seed=desk.seed)
            return _with(run, evidence="held_out"), held_out(spec, table.take(parts.apart), models)
    run = _with(run, evidence="served")
    return run, served(desk.places, spec, run, models)


def _in_use(desk: Desk, run: Run) -> bool:
    return predictions(desk.places, run.model, since=desk.now() - SERVED_S).rows > 0


def _due(desk: Desk, run: Run, count: int) -> bool:
    """The gate's promise counts each look once: at the minimum, at each doubling, and at the final size."""
    if run.evidence == "held_out":
        return True
    return count >= desk.limits.min_samples and (
        desk.limits.look(count) > run.looked or 0 < run.wanted <= count
    )


def _waiting(desk: Desk, registry: Registry, run: Run, count: int) -> Run:
    if desk.now() - unix(run.since) > PATIENCE_S:
        return _withdrawn(desk, registry, run, "rejected", f"after 30 days only {count} labels came")
    needed = max(1, (run.wanted or desk.limits.min_samples) - count)
    says = f"version {run.challenger} answers in the shadow: {count} labelled requests, {needed} more needed"
    return desk.save(_with(run, says=says))


def _judged(desk: Desk, registry: Registry, run: Run, evidence: Evidence) -> Run:
    evidence = msgspec.structs.replace(evidence, training_slope=slope_of(registry.history(), run))
    verdict = judge(evidence, desk.limits, seed=desk.seed)
    where = "on held-out rows that neither model saw" if run.evidence == "held_out" else "on served requests"
    says = f"{verdict.sentence()} ({where})"
    run = _with(run, verdict=verdict, looked=verdict.look, says=says,
                wanted=verdict.samples + verdict.samples_needed)  # fmt: skip
    if verdict.decision == "promote":
        return desk.save(_with(run, step="promoting", baseline=baseline(evidence)))
    if verdict.decision == "reject":
        return _withdrawn(desk, registry, run, "rejected", says)
    if run.evidence == "held_out":  # its rows are used up: what follows is judged by what will be served
        run = _with(run, evidence="served", looked=0, wanted=0)
    desk.log(run, "waiting", says)
    return desk.save(run)


def _withdrawn(desk: Desk, registry: Registry, run: Run, outcome: Outcome, says: str) -> Run:
    if run.challenger is not None and registry.challenger() == run.challenger:
        registry.set_challenger(None, says)
    return finish(desk, run, outcome, says)


def promoting(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    registry = desk.registry(spec)
    registry.reconcile()
    done = next((each for each in registry.history()
                 if each.kind == "promoted" and each.details.get("run") == run.id), None)  # fmt: skip
    if done is None:
        if registry.champion() != run.champion:
            return _withdrawn(desk, registry, run, "superseded", "another version was promoted meanwhile")
        assert run.challenger is not None
        if not desk.may_promote:
            return run
        registry.promote(run.challenger, run.says, details={"run": run.id})
    desk.log(run, "promoted", run.says)
    desk.renew(spec, run, desk)
    return desk.save(_with(run, step="watching", promoted_at=told(desk.now())))


Handler = Callable[[Desk, ModelSpec, Run], Run]
HANDLERS: dict[Step, Handler] = {
    "requested": requested,
    "training": training,
    "shadowing": shadowing,
    "promoting": promoting,
    "watching": lambda desk, spec, run: watching(desk, spec, run, finish),
}


def advance(desk: Desk, spec: ModelSpec, run: Run) -> Run:
    """Go on until it is done, or waits for labels."""
    while run.step != "done":
        before = run.step
        try:
            run = HANDLERS[before](desk, spec, run)
        except BadInputError as error:
            if before not in {"requested", "training"}:
                raise
            return finish(desk, run, "blocked", str(error))
        if run.step == before:
            return run
    return run


def _table(desk: Desk, spec: ModelSpec) -> Table:
    return read_table(desk.places.table(current(spec, desk.places).data), target=spec.target)
