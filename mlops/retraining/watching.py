"""The last step of a retraining: watch what was promoted, and go back on its own where it is worse than before."""

from collections.abc import Callable

import msgspec

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.retraining.desk import Desk
from mlops.retraining.gathering import answered_since
from mlops.retraining.record import Outcome, Run, unix
from mlops.retraining.watch import ALPHA, Alarm, Counts, watch

Finish = Callable[[Desk, Run, Outcome, str], Run]


def watching(desk: Desk, spec: ModelSpec, run: Run, finish: Finish) -> Run:
    registry = desk.registry(spec)
    registry.reconcile()
    for change in registry.history():
        if change.kind == "rolled_back" and change.details.get("run") == run.id:
            return finish(desk, run, "rolled_back", change.reason)
    if registry.champion() != run.challenger or run.challenger is None or run.baseline is None:
        return finish(desk, run, "superseded", "another version is champion by now")
    card = registry.load(run.challenger).card
    days = (desk.now() - unix(run.promoted_at)) / 86_400
    before, after = Counts(run.baseline.samples, run.baseline.bad), answered_since(desk.places, run, card)
    alarms = {"bad answers": watch(before, after, alpha=ALPHA / 2, days=days)}
    if (failures := desk.failures(run)) is not None:
        alarms["failed requests"] = watch(failures.before, failures.after, alpha=ALPHA / 2, days=days)
    for what, alarm in alarms.items():
        if alarm.says == "worse":
            reason = f"version {run.challenger}: {_told(what, alarm)}"
            if not desk.may_roll_back:
                return desk.save(msgspec.structs.replace(run, says=reason, worse=True))
            try:
                registry.rollback(reason, details={"run": run.id, "current_metric": round(1 - alarm.after, 6),
                                                   "threshold": round(1 - alarm.before, 6)})  # fmt: skip
            except BadInputError as error:
                return desk.save(msgspec.structs.replace(run, says=f"{reason}; {error}"))
            return finish(desk, run, "rolled_back", reason)
    says = f"version {run.challenger} is watched: {_told('bad answers', alarms['bad answers'])}"
    if all(alarm.says == "settled" for alarm in alarms.values()):
        return finish(desk, run, "kept", says)
    return desk.save(msgspec.structs.replace(run, says=says))


def _told(what: str, alarm: Alarm) -> str:
    return f"{what} {alarm.after:.1%}, before {alarm.before:.1%} (capital {alarm.capital:.3g} of {alarm.needed:g})"
