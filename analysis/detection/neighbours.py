"""Distance to the nearest windows that were seen in training, for two lengths of window that share one memory."""

import numpy as np

from analysis.detection.rows import Floats, Singles, soft, windows

LENGTHS = (4, 8)
BOUND = 8.0
MOST = 1500
NEAREST = slice(1, 4)  # the very nearest may be the row itself
AT_ONCE = 2048


class Neighbours:
    def __init__(self, z: Floats, seed: int = 0) -> None:
        self.reach = max(LENGTHS)
        bounded = soft(z, BOUND)
        seen = windows(bounded, self.reach)[self.reach :]
        order = np.random.default_rng(seed).permutation(len(seen))[:MOST]
        self._memory = seen[order].astype(np.float32)
        sizes = [length * z.shape[1] for length in LENGTHS]
        self._norms = [(self._memory[:, -size:] ** 2).sum(axis=1) for size in sizes]

    def raw(self, z: Floats, new: int) -> Floats:
        now = windows(soft(z[-new - self.reach :], BOUND), self.reach)[-new:].astype(np.float32)
        metrics = z.shape[1]
        scores = np.empty((new, len(LENGTHS)))
        for column, length in enumerate(LENGTHS):
            size = length * metrics
            for start in range(0, new, AT_ONCE):
                part = now[start : start + AT_ONCE, -size:]
                scores[start : start + AT_ONCE, column] = self._distance(column, part) / np.sqrt(size)
        return scores

    def _distance(self, column: int, now: Singles) -> Floats:
        squares = self._norms[column] - 2.0 * now @ self._memory[:, -now.shape[1] :].T
        squares += np.einsum("ij,ij->i", now, now)[:, None]
        last = min(NEAREST.stop - 1, squares.shape[1] - 1)
        near = np.partition(squares, last, axis=1)[:, NEAREST].mean(axis=1)
        return np.asarray(np.sqrt(np.maximum(near, 0.0)), dtype=np.float64)
