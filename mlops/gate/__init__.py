"""The gate that a challenger passes before it is promoted."""

from mlops.gate.evidence import Answers, Evidence
from mlops.gate.judge import judge
from mlops.gate.limits import GateLimits, limits_of
from mlops.gate.verdict import Verdict

__all__ = ["Answers", "Evidence", "GateLimits", "Verdict", "judge", "limits_of"]
