"""The main comparison: is the challenger better by enough, and are its probabilities as good?"""

import math

import numpy as np

from mlops.gate.evidence import Floats, Sample
from mlops.gate.finding import Finding, Outcome, outcome
from mlops.gate.intervals import gain_interval, mean_interval
from mlops.gate.limits import GateLimits
from mlops.gate.measures import Contrast, brier_rows


def gain_findings(
    sample: Sample, contrast: Contrast, limits: GateLimits, tail: float, seed: int
) -> list[Finding]:
    """At least +2 % as measured, and an interval above zero at this look's own level."""
    low, high = gain_interval(sample, tail, seed)
    hopeless = 100 * high < limits.min_gain_pct * contrast.champion
    enough = contrast.gain_pct >= limits.min_gain_pct
    better = "up" if contrast.name == "F1" else "down"
    return [
        Finding.of(
            "gain",
            outcome(failed=hopeless, undecided=not enough),
            f"{contrast.name} {better} from {contrast.champion:.4f} to {contrast.challenger:.4f},"
            f" a gain of {contrast.gain_pct:+.1f} % where {limits.min_gain_pct:+g} % is asked for",
            contrast.gain_pct,
            limits.min_gain_pct,
        ),
        Finding.of(
            "interval",
            outcome(failed=high <= 0, undecided=low <= 0),
            f"the paired bootstrap interval of the gain is {low:+.4f} to {high:+.4f}"
            f" ({100 * (1 - 2 * tail):.2f} %); it must be above zero",
            low,
            0.0,
        ),
    ]


def brier_finding(sample: Sample, limits: GateLimits, seed: int) -> Finding:
    rows = brier_rows(sample)
    if rows is None:
        says = "not a classifier" if not sample.classifies else "no probabilities to compare"
        return Finding(rule="brier", outcome=Outcome.PASSED, says=says)
    low, high = mean_interval(rows, 0.005, seed)
    loss = float(rows.mean())
    return Finding.of(
        "brier",
        outcome(failed=low > limits.max_brier_loss, undecided=loss > limits.max_brier_loss),
        f"Brier score worse by {loss:+.4f} ({low:+.4f} to {high:+.4f}, 99 %);"
        f" at most {limits.max_brier_loss:+g} is allowed",
        loss,
        limits.max_brier_loss,
    )


def calibration_finding(sample: Sample, limits: GateLimits) -> Finding:
    """Probabilities that do not add up to the outcomes, more than the champion's."""
    before, after = sample.champion.probability, sample.challenger.probability
    if before is None or after is None:
        return Finding(rule="calibration", outcome=Outcome.PASSED, says="no probabilities to compare")
    rows = after - sample.labels
    gap, champion = float(rows.mean()), float((before - sample.labels).mean())
    sigmas = abs(gap) / max(float(np.std(rows)) / sample.size**0.5, 1e-12)
    off = abs(gap) > abs(champion) + limits.calibration_gap and sigmas > limits.calibration_sigmas
    return Finding.of(
        "calibration",
        outcome(failed=off),
        f"the challenger's probabilities are {gap:+.3f} off the share of positives on average ({sigmas:.1f} sigma),"
        f" the champion's {champion:+.3f}" + (": its training labels may be poisoned" if off else ""),
        abs(gap),
        abs(champion) + limits.calibration_gap,
    )


def slope_finding(sample: Sample, limits: GateLimits) -> Finding:
    """Training labels flipped at random draw every probability to the middle and leave the decisions as they are."""
    probability = sample.challenger.probability
    if probability is None:
        return Finding(rule="slope", outcome=Outcome.PASSED, says="no probabilities to look at")
    bound = limits.calibration_slope_forest if sample.averages else limits.calibration_slope
    slope, error = calibration_slope(sample.labels, probability)
    far = (slope - 1) / error if slope > bound else 0.0
    off, apart = far > limits.calibration_sigmas, far
    says = f"log-odds of outcomes rise {slope:.2f} times as fast as the challenger says (± {error:.2f})"
    if sample.training_slope is not None:
        own, own_error = sample.training_slope
        says += f", {own:.2f} times in its training (± {own_error:.2f})"
        apart = (slope - own) / math.hypot(error, own_error) if slope > limits.slope_ratio * own else 0.0
        off = off or apart > limits.slope_sigmas
    hint = apart > limits.slope_hint_sigmas
    if off or hint:
        says += ": a share of its training labels may be flipped"
    return Finding.of("slope", outcome(failed=off, undecided=hint), says, slope, bound)


def calibration_slope(labels: Floats, probability: Floats) -> tuple[float, float]:
    """Cox's recalibration slope with its standard error, by Newton's method."""
    odds = np.clip(probability, 1e-6, 1 - 1e-6)
    rows = np.column_stack([np.ones(len(odds)), np.log(odds / (1 - odds))])
    if float(np.std(rows[:, 1])) < 1e-9:
        return 1.0, math.inf
    weights = np.array([0.0, 1.0])
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        curvature = rows.T @ (rows * (fitted * (1 - fitted))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, rows.T @ (labels - fitted))
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[1]), float(np.sqrt(np.linalg.inv(curvature)[1, 1]))
