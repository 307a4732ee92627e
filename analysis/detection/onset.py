"""When something begins: forecast errors on a scale that follows the stream, against the tail that this stream itself has.

Sharp where the fused score is broad. Both scale and tail go on learning, with bounded steps, so that the rate of false
alarms stays what it was while noise and level drift.
"""

import numpy as np

from analysis.detection.rows import Floats

BLOCK = 16  # rows for which the scale stands still
HALF_LIFE = 200.0
BOUND = 4.0  # scales; no single row teaches more
LEAST = 0.1
TOP = 3
WARM = 1000

TAIL = 0.1  # share of rows that the tail is fitted to
TAIL_HALF_LIFE = 1000.0
ALONE = 0.25  # weight where there is one metric: its score is sharp already
QUIET = 4.5  # mean excesses: what is nearer begins nothing


class Tail:
    """An exponential tail above a high quantile, both followed online: how far out, in mean excesses."""

    def __init__(self, scores: Floats) -> None:
        self._edge = float(np.quantile(scores, 1.0 - TAIL))
        above = scores[scores > self._edge] - self._edge
        self._excess = max(float(above.mean()) if len(above) else 0.0, 1e-3)
        self._step = (1.0 - 0.5 ** (1.0 / TAIL_HALF_LIFE)) / TAIL

    def of(self, scores: Floats) -> Floats:
        edge, excess, step = self._edge, self._excess, self._step
        up, down = 3.0 * TAIL * (1.0 - TAIL) * step, 3.0 * TAIL * TAIL * step
        far = []
        for score in scores.tolist():
            beyond = score - edge
            far.append(beyond / excess)
            if beyond > 0.0:
                excess += step * (min(beyond, BOUND * excess) - excess)
                edge += up * excess
            else:
                edge -= down * excess
        self._edge, self._excess = edge, excess
        return np.array(far)


class Onset:
    def __init__(self, errors: Floats) -> None:
        """`errors`: what the forecast missed in training, a column for each metric."""
        self._power = np.maximum(errors[:WARM].var(axis=0), LEAST**2)
        self._step = 1.0 - 0.5 ** (BLOCK / HALF_LIFE)
        self._sum = np.zeros(errors.shape[1])
        self._rows = 0
        self._weight = 1.0 if errors.shape[1] > 1 else ALONE
        surprise = self._surprise(errors)
        self._tail = Tail(surprise[-len(surprise) * 3 // 4 :])

    def of(self, errors: Floats) -> Floats:
        """0 where nothing begins; grows with how far out of the tail."""
        return self._weight * np.log1p(np.maximum(self._tail.of(self._surprise(errors)) - QUIET, 0.0))

    def _surprise(self, errors: Floats) -> Floats:
        """Of the few farthest metrics."""
        far = np.empty_like(errors)
        start = 0
        while start < len(errors):
            part = errors[start : start + BLOCK - self._rows]
            scale = np.sqrt(self._power)
            near = part / scale
            far[start : start + len(part)] = near
            near = np.clip(near, -BOUND, BOUND)
            self._sum += (near * near).sum(axis=0)
            self._rows += len(part)
            start += len(part)
            if self._rows == BLOCK:
                seen = self._sum / BLOCK * self._power
                self._power = np.maximum(self._power + self._step * (seen - self._power), LEAST**2)
                self._sum, self._rows = np.zeros(errors.shape[1]), 0
        logs = np.log1p(np.abs(far))
        top = min(TOP, logs.shape[1])
        return np.asarray(np.partition(logs, -top, axis=1)[:, -top:].mean(axis=1))
