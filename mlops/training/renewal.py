"""What a person's training does with its result: registers it, and promotes it where it is not worse than the champion."""

from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.registry.mirror import mirror
from mlops.registry.registry import Registry
from mlops.tables.table import Table
from mlops.training.decision import Decision, decide
from mlops.training.train import Say, Trained, silent, train


class Renewal(Struct, frozen=True, kw_only=True):
    trained: Trained
    version: int
    decision: Decision
    notes: tuple[str, ...]


def renew(
    spec: ModelSpec,
    table: Table,
    places: Places,
    *,
    seed: int = 0,
    tracking: bool = True,
    promote: bool = False,
    say: Say = silent,
) -> Renewal:
    """Train, register, decide. `promote`: whatever the comparison says. The version that loses becomes challenger."""
    registry = Registry(places, spec.name, keep=spec.keep_versions)
    registry.reconcile()
    trained = train(spec, table, places, seed=seed, tracking=tracking, say=say)
    decision = _decide(registry, trained, force=promote, seed=seed)
    version = registry.register(trained, reason=f"trained with seed {seed}")
    if version != registry.champion():
        if decision.promote:
            registry.promote(version, decision.why)
        else:
            registry.set_challenger(version, decision.why)
    say("Telling MLflow")
    problems = mirror(places, spec.name, anew=True) if tracking else []
    notes = dict.fromkeys([*trained.notes, *problems])
    return Renewal(trained=trained, version=version, decision=decision, notes=tuple(notes))


def _decide(registry: Registry, trained: Trained, *, force: bool, seed: int) -> Decision:
    if registry.champion() is None:
        return Decision(promote=True, why="the first version")
    champion: LoadedModel | None = None
    problem = ""
    try:
        champion = registry.load_champion()
    except BadInputError as error:
        problem = f"the champion cannot be loaded: {error}"
    if champion is None:
        return Decision(promote=True, why=problem)
    decision = decide(champion, trained.model, trained.split.held_out, seed=seed)
    if force and not decision.promote:
        return Decision(
            promote=True, why=f"as was asked for, though {decision.why}", difference=decision.difference
        )
    return decision
