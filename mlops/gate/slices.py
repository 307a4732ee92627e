"""Whether a part of the requests gets worse: declared slices, and regions that nobody declared."""

from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.gate.evidence import Floats, Sample
from mlops.gate.finding import Finding, Outcome, outcome
from mlops.gate.limits import GateLimits
from mlops.gate.measures import Contrast
from mlops.gate.parts import Parts, declared, regions

DRAWS, AT_ONCE = 2000, 4_000_000
HINT_SIGMAS = 2.0  # a slice that looks this much worse is watched for longer


class Loss(Struct, frozen=True):
    """How much worse a part is, relative to the champion there, and how sure that is."""

    part: str
    rows: int
    loss_pct: float
    sigmas: float


def slice_finding(sample: Sample, contrast: Contrast, limits: GateLimits, seed: int) -> Finding:
    parts = _large_enough(declared(sample.slices), limits)
    if not parts.names:
        return Finding(rule="slices", outcome=Outcome.PASSED, says="no declared slice has enough samples")
    bound = _bound(parts, contrast, limits.slice_alpha, seed)
    material = [loss for loss in _losses(parts, contrast) if loss.loss_pct > limits.slice_tolerance_pct]
    blamed = [loss for loss in material if loss.sigmas > bound]
    hinted = [loss for loss in material if loss.sigmas > HINT_SIGMAS]
    says = _says(blamed or hinted, f"none of {len(parts.names)} declared slices is worse")
    worst = max((loss.sigmas for loss in material), default=0.0)
    return Finding.of("slices", outcome(failed=bool(blamed), undecided=bool(hinted)), says, worst, bound)


def region_finding(sample: Sample, limits: GateLimits, seed: int) -> Finding:
    """A back door shows as a region of one feature in which the challenger's errors are surely larger.

    By squared errors, those of probabilities where there are any: what F1 gains or loses near a threshold is no back door.
    """
    contrast = _errors(sample)
    parts = _large_enough(regions(sample.features), limits)
    if not parts.names:
        return Finding(rule="regions", outcome=Outcome.PASSED, says="no features to search")
    bound = _bound(parts, contrast, limits.region_alpha, seed)
    blamed = [
        loss
        for loss in _losses(parts, contrast)
        if loss.sigmas > bound and loss.loss_pct > limits.region_tolerance_pct
    ]
    blamed.sort(key=lambda loss: -loss.sigmas)
    says = _says(
        blamed[:1], f"none of {len(parts.names)} regions of {len(sample.features)} features is worse"
    )
    worst = blamed[0].sigmas if blamed else 0.0
    return Finding.of("regions", outcome(failed=bool(blamed)), says, worst, bound)


def _errors(sample: Sample) -> Contrast:
    before, after = (
        ((each.probability if each.probability is not None else each.prediction) - sample.labels) ** 2
        for each in (sample.champion, sample.challenger)
    )
    return Contrast("squared error", float(before.mean()), float(after.mean()), before - after, before, 0.0)


def _large_enough(parts: Parts, limits: GateLimits) -> Parts:
    return parts.kept(parts.sums(np.ones(len(parts.bins))) >= limits.slice_min_samples)


def _says(losses: list[Loss], otherwise: str) -> str:
    return (
        "; ".join(
            f"{loss.part} ({loss.rows} samples) is worse by {loss.loss_pct:.1f} %, {loss.sigmas:.1f} sigma"
            for loss in losses
        )
        or otherwise
    )


def _losses(parts: Parts, contrast: Contrast) -> list[Loss]:
    counts, sums = parts.sums(np.ones(len(contrast.gains))), parts.sums(contrast.gains)
    worth = np.maximum(parts.sums(contrast.worth), 1e-12)
    spread = np.maximum(_spread(parts, contrast), 1e-12)
    return [
        Loss(*each)
        for each in zip(
            parts.names,
            counts.astype(int).tolist(),
            np.clip(-100 * sums / worth, -1000, 1000).tolist(),
            (-sums / spread).tolist(),
            strict=True,
        )
    ]


def _spread(parts: Parts, contrast: Contrast) -> Floats:
    """The standard error of each part's sum."""
    counts, sums = parts.sums(np.ones(len(contrast.gains))), parts.sums(contrast.gains)
    return np.asarray(np.sqrt(np.maximum(parts.sums(contrast.gains**2) - sums**2 / counts, 0)), float)


def _bound(parts: Parts, contrast: Contrast, alpha: float, seed: int) -> float:
    """What the largest of all parts' sigmas stays below with 1 - alpha though none is worse (multiplier bootstrap).

    Parts overlap, so this is less strict than Bonferroni's bound and holds just as well; never below one part's own.
    """
    alone = NormalDist().inv_cdf(1 - alpha)
    spread = _spread(parts, contrast)
    parts, spread = parts.kept(spread > 0), spread[spread > 0]
    if not parts.names:
        return alone
    gains = contrast.gains.astype(np.float32)[:, None]
    means = parts.sums(contrast.gains) / parts.sums(np.ones(len(gains)))
    random = np.random.default_rng(seed)
    at_once, largest = max(1, AT_ONCE // len(gains)), []
    for start in range(0, DRAWS, at_once):
        signs = _signs(random, len(gains), min(at_once, DRAWS - start))
        drawn = parts.sums(signs * gains) - means[:, None] * parts.sums(signs)
        largest.append((drawn / spread[:, None]).max(axis=0))
    return max(alone, float(np.quantile(np.concatenate(largest), 1 - alpha)))


def _signs(random: np.random.Generator, rows: int, draws: int) -> NDArray[np.float32]:
    """Plus or minus one, eight to a random byte."""
    bits = np.unpackbits(np.frombuffer(random.bytes(-(-rows * draws // 8)), np.uint8), count=rows * draws)
    return np.asarray(bits.reshape(rows, draws), np.float32) * np.float32(2) - np.float32(1)
