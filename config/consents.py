"""What the operator's switches say of a fix: their consent, and the rest that they ask for."""

from config.fixes import Fix
from config.model import Config


def switched_off(config: Config, fix: Fix | None) -> str:
    """Which switch keeps the fix from acting by itself; empty: none."""
    steps = fix.steps if fix else ()
    if not config.service_recovery.auto_recovery_enabled:
        return "service_recovery is switched off"
    if "rollback_model" in steps and not config.model_validation.auto_rollback_enabled:
        return "model_validation.auto_rollback_enabled is off"
    if "retrain" in steps and not config.drift_detection.auto_retrain_enabled:
        return "drift_detection.auto_retrain_enabled is off"
    return ""


HERE = ("command line", "api")  # who reached these is a person by itself


def may_decide(config: Config, by: str) -> str:
    """Why this person's word does not count; empty: it does."""
    names = {approver.name for approver in config.approvals.approvers}
    name = by.rpartition(":")[2]
    known = not names or by in HERE or name in names
    return "" if known else f"{name} may not decide: approvals.approvers does not name them"


def rest_s(config: Config, fix: Fix | None) -> float:
    """How long the fix rests between two acts on one target."""
    if fix is None:
        return 0.0
    retrains = "retrain" in fix.steps
    return max(fix.cooldown_s, config.drift_detection.retraining_cooldown_hours * 3600.0 if retrains else 0.0)
