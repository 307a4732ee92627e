"""`python -m scripts.gate_table`: how many matured samples the evaluation gate needs, as docs/evaluation_gates.md shows it."""

import os
import sys

from config.settings import load_settings
from mlops.gate import GateLimits, limits_of
from mlops.gate.power import power_table


def table(limits: GateLimits) -> str:
    lines = ["| share of positives | F1 | decisions that differ | samples for +5 % |", "|---|---|---|---|"]
    lines += [
        f"| {plan.prevalence:.0%} | {plan.f1:.1f} | {plan.disagreement:.0%} | {plan.samples:,} |"
        for plan in power_table(limits)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(limits_of(load_settings(os.environ))))
    sys.exit(0)
