"""A detector for a service's whole life: an ensemble, fitted anew whenever it has seen four times what it was fitted on."""

import numpy as np

from analysis.detection.ensemble import Ensemble
from analysis.detection.rows import Floats

MOST_ROWS = 16_384  # of history that an ensemble is fitted on
GROWTH = 4.0


class Detector:
    def __init__(self, rows: Floats) -> None:
        self._history = rows[-MOST_ROWS:]
        self.ensemble = Ensemble(self._history)
        self._due = int(len(self._history) * (GROWTH - 1.0))

    def score(self, rows: Floats) -> Floats:
        parts = [np.empty(0)]
        start = 0
        while start < len(rows):
            part = rows[start : start + self._due]
            parts.append(self.ensemble.score(part))
            start += len(part)
            self._history = np.concatenate([self._history, part])[-MOST_ROWS:]
            self._due -= len(part)
            if not self._due:
                self.ensemble = Ensemble(self._history)
                self._due = int(len(self._history) * (GROWTH - 1.0))
        return np.concatenate(parts)
