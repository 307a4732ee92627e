"""Agents that need numpy import it with the first sample, not at the start of the daemon."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "anomaly_detector",
        "ml_failure_predictor",
        "rca_engine",
        "intelligent_fix_selector",
        "adaptive_recovery",
        "performance_learner",
        "system_optimizer",
    ],
)
def test_importing_the_agent_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, agents.{module}; sys.exit(bool({{'numpy', 'pandas', 'sklearn'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
