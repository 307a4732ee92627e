"""The gate: promote, reject, or wait for more matured samples.

Each rule passes, fails, or cannot tell yet. One failure rejects. What cannot be told is waited for, up to the size at
which the planned gain would have shown; a challenger that is still undecided there is not worth more waiting.
"""

import math

import numpy as np

from mlops.gate.evidence import Evidence, Sample, sample
from mlops.gate.finding import Finding, Outcome
from mlops.gate.labels import early_labels, skill_findings, unanswered
from mlops.gate.leaks import telling_features, too_good
from mlops.gate.limits import GateLimits
from mlops.gate.measures import Contrast, contrast
from mlops.gate.power import samples_for
from mlops.gate.quality import brier_finding, calibration_finding, gain_findings, slope_finding
from mlops.gate.slices import region_finding, slice_finding
from mlops.gate.verdict import Decision, Verdict


def judge(evidence: Evidence, limits: GateLimits | None = None, *, seed: int = 0) -> Verdict:
    """Deterministic for a seed. Judge once a look (`limits.look`): the gate's promise counts each look once."""
    limits = limits or GateLimits()
    judged = sample(evidence)
    if missing := _missing(judged, limits):
        return Verdict(
            decision="not_enough_data",
            samples=judged.size,
            samples_needed=missing,
            findings=(_too_few(judged, limits), early_labels(judged, limits), unanswered(judged, limits)),
        )
    compared = contrast(judged)
    planned = samples_for(compared.champion * limits.planned_gain_pct / 100, compared.spread, limits)
    tail = limits.tail(limits.look(judged.size), final=judged.size >= planned)
    return _weighed(judged, compared, _findings(judged, compared, limits, tail, seed), planned, limits)


def _findings(
    judged: Sample, compared: Contrast, limits: GateLimits, tail: float, seed: int
) -> tuple[Finding, ...]:
    return (
        early_labels(judged, limits),
        unanswered(judged, limits),
        *skill_findings(judged, limits, seed),
        too_good(judged, limits),
        telling_features(judged),
        *gain_findings(judged, compared, limits, tail, seed),
        brier_finding(judged, limits, seed),
        calibration_finding(judged, limits),
        slope_finding(judged, limits),
        slice_finding(judged, compared, limits, seed),
        region_finding(judged, limits, seed),
    )


def _weighed(
    judged: Sample, compared: Contrast, findings: tuple[Finding, ...], planned: int, limits: GateLimits
) -> Verdict:
    outcomes = {finding.outcome for finding in findings}
    decision: Decision = "promote"
    needed = 0
    if Outcome.FAILED in outcomes:
        decision = "reject"
    elif Outcome.UNDECIDED in outcomes:
        # what merely looks bad, while all else is decided, is given twice the time to show it
        undecided = {each.rule for each in findings if each.outcome is Outcome.UNDECIDED}
        needed = max(0, planned * (2 if undecided <= {"slices", "slope"} else 1) - judged.size)
        decision = "not_enough_data" if needed else "promote" if undecided == {"slope"} else "reject"
    return Verdict(
        decision=decision,
        samples=judged.size,
        samples_needed=needed,
        look=limits.look(judged.size),
        findings=findings,
        figures=_figures(judged, compared, planned),
    )


def _figures(judged: Sample, compared: Contrast, planned: int) -> dict[str, float]:
    name = compared.name.lower()
    return {
        f"champion_{name}": compared.champion,
        f"challenger_{name}": compared.challenger,
        "gain_pct": compared.gain_pct,
        "planned_samples": planned,
        "left_out": judged.offered - judged.size,
    }


def _missing(judged: Sample, limits: GateLimits) -> int:
    """How many more samples are needed before anything can be said at all."""
    missing = max(0, limits.min_samples - judged.size)
    rarer = _rarer(judged)
    if rarer < limits.min_minority:
        in_all = math.ceil(judged.size * limits.min_minority / max(rarer, 1))
        missing = max(missing, in_all - judged.size, limits.min_minority - rarer)
    return missing


def _rarer(judged: Sample) -> int:
    """Samples of the rarer class; of a regression, samples with another label than the commonest."""
    if not judged.size:
        return 0
    return judged.size - int(np.unique(judged.labels, return_counts=True)[1].max())


def _too_few(judged: Sample, limits: GateLimits) -> Finding:
    says = (
        f"{judged.size} matured samples that count, {_rarer(judged)} of the rarer outcome;"
        f" at least {limits.min_samples} and {limits.min_minority} are needed"
    )
    return Finding.of("samples", Outcome.UNDECIDED, says, judged.size, limits.min_samples)
