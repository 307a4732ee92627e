"""The anomaly detector as public benchmarks call it: learn from the rows before, score the rows after."""

from analysis.detection.detector import Detector
from analysis.detection.rows import Floats


def score_series(train: Floats, stream: Floats, interval_s: float) -> Floats:
    """One score for each row of `stream`, which follows `train`; higher is stranger."""
    return Detector(train).score(stream)
