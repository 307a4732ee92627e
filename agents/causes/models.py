"""What ails a model, by what its monitoring says: its looks are made so that there is little left to weigh."""

from agents.events import Cause, CauseFound, DataQualityViolated, DriftDetected, ModelDegraded

TROUBLES = (DataQualityViolated, DriftDetected, ModelDegraded)
# symptom -> cause names with their confidence, best first: damage is seen cell by cell, slow decay has two fathers
CAUSES: dict[str, tuple[tuple[str, float], ...]] = {
    "data_quality": (("data_quality", 0.97),),
    "drift": (("data_drift", 0.95),),
    "worse_since_promotion": (("model_degradation", 0.93),),
    "degraded": (("data_drift", 0.6), ("model_degradation", 0.35)),
}


def of_model(service: str, symptom: str, told: str) -> CauseFound:
    """The causes that a model's newest symptom leaves; `told` is what its monitoring said with it."""
    evidence = (told,) if told else ()
    best, *rivals = (Cause(name, service, sure, evidence) for name, sure in CAUSES[symptom])
    return CauseFound(service=service, best=best, rivals=tuple(rivals))
