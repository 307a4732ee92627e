"""Principal subspace of short windows of all metrics: what lies outside of it breaks how metrics move together."""

import numpy as np

from analysis.detection.rows import Floats, windows

LENGTH = 12
KEPT = 0.99  # of the variance
MOST_DIRECTIONS = 160  # more would cost memory for the last thousandths
MOST_SIZE = 600  # metrics times rows of a window


class Subspace:
    def __init__(self, z: Floats) -> None:
        metrics = z.shape[1]
        self.length = max(min(LENGTH, MOST_SIZE // metrics, len(z) // 4), 1)
        self.reach = self.length
        seen = windows(z, self.length)[self.length :]
        self._centre = seen.mean(axis=0)
        around = seen - self._centre
        power, directions = np.linalg.eigh(around.T @ around / len(seen))
        power, directions = np.maximum(power[::-1], 0.0), directions[:, ::-1]
        share = np.cumsum(power) / max(power.sum(), 1e-12)
        kept = min(int(np.searchsorted(share, KEPT)) + 1, max(len(power) - 1, 1), MOST_DIRECTIONS)
        self._directions = np.ascontiguousarray(directions[:, :kept], dtype=np.float32)

    def raw(self, z: Floats, new: int) -> Floats:
        around = windows(z[-new - self.length :], self.length)[-new:] - self._centre
        inside = around @ self._directions
        left = np.einsum("ij,ij->i", around, around) - np.einsum("ij,ij->i", inside, inside)
        return np.asarray(np.sqrt(np.maximum(left, 0.0) / around.shape[1])[:, None])
