"""A linear forecast of every metric from all metrics' last value and recent means; what it misses is the evidence.

Learns on from the stream by sufficient statistics. It learns with a delay, and less from what looked strange, so that a
long incident does not become normal while it lasts.
"""

import numpy as np

from analysis.detection.rows import Floats, Singles, earlier, trailing_mean

MEANS = (6, 30)
RIDGE = 1e-3
TOP = 3
FARTHEST = 30.0
STRANGE = 6.0  # residual spreads; a row beyond that teaches little
LEAST_SPREAD = 0.02
LEAST_QUANTILE = 0.05
QUANTILE_PER_SIGMA = 1.64  # of |x| at 90 %


class Forecast:
    """Two scores: root mean square of all residuals, and the mean of the farthest three on a robust scale."""

    reach = max(MEANS) + 1

    def __init__(self, z: Floats) -> None:
        self.seen = float(len(z))
        known = _regressors(z)
        self._gram = known.T @ known
        self._cross = known.T @ z
        self._solve()
        residual = np.abs(z - known @ self._weights)
        self.spread = np.maximum(residual.std(axis=0), LEAST_SPREAD)
        self.robust = np.maximum(np.quantile(residual, 0.9, axis=0) / QUANTILE_PER_SIGMA, LEAST_QUANTILE)

    def residuals(self, z: Floats, new: int) -> Floats:
        return z[-new:] - _regressors(z[-new - self.reach :])[-new:] @ self._weights

    def raw(self, z: Floats, new: int) -> Floats:
        return self.strange(self.residuals(z, new))

    def strange(self, residuals: Floats) -> Floats:
        missed = np.abs(residuals)
        rms = np.sqrt((np.minimum(missed / self.spread, FARTHEST) ** 2).mean(axis=1))
        robust = np.minimum(missed / self.robust, FARTHEST)
        top = min(TOP, robust.shape[1])
        return np.column_stack([rms, np.partition(robust, -top, axis=1)[:, -top:].mean(axis=1)])

    def learn(self, z: Floats, new: int, strangeness: Floats | Singles) -> None:
        """From the last `new` rows, whose first score was `strangeness`."""
        trust = np.minimum(1.0, STRANGE / np.maximum(strangeness, 1e-9)) ** 2
        known = _regressors(z)[-new:]
        trusted = (known * trust[:, None]).T
        self._gram += trusted @ known
        self._cross += trusted @ z[-new:]
        self.seen += float(trust.sum())
        self._solve()

    def _solve(self) -> None:
        size = len(self._gram)
        self._weights = np.linalg.solve(
            self._gram / self.seen + RIDGE * np.eye(size), self._cross / self.seen
        )


def _regressors(z: Floats) -> Floats:
    before = earlier(z, 1)
    return np.concatenate(
        [np.ones((len(z), 1)), before, *(trailing_mean(before, each) for each in MEANS)], axis=1
    )
