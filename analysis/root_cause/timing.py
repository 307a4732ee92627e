"""What spans say: how much longer callers wait than the callee works (the network between them), and how long that takes."""

import numpy as np

from analysis.root_cause.window import Floats, Timings, quantiles

LEAST_MS = 0.5  # differences below do not count
LEAST_SPREAD = 0.1  # of the logarithm
DOUBTED_Z = 3.0  # a longer wait that is this far from usual counts half


def slower(timings: Timings, services: dict[str, int]) -> tuple[Floats, Floats]:
    """Of each service: how much longer its callers wait (a logarithm), and how far its own work is from usual (z)."""
    wait, wait_z = _longer(timings, timings.gap_ms, services)
    _, own_z = _longer(timings, timings.own_ms, services)
    return wait * wait_z / (wait_z + DOUBTED_Z), own_z


def _longer(timings: Timings, spent_ms: Floats, services: dict[str, int]) -> tuple[Floats, Floats]:
    """The mean over a service's calls of how much longer each operation took than it usually does."""
    times = np.log(np.maximum(spent_ms, 0) + LEAST_MS)
    (usual,) = quantiles(times[1:], (0.5,))
    longer = np.nan_to_num(times - usual)
    weights = np.where(np.isnan(times) | np.isnan(usual), 0.0, timings.calls)
    owners = np.array([services.get(name, -1) for name in timings.services], dtype=np.intp)
    known = owners >= 0
    member = np.zeros((len(owners), len(services)))
    member[np.flatnonzero(known), owners[known]] = 1.0
    calls = weights @ member
    mean = np.where(calls > 0, (longer * weights) @ member / np.maximum(calls, 1e-9), np.nan)
    rare, quarter, centre, three, high = quantiles(mean[1:], (0.05, 0.25, 0.5, 0.75, 0.95))
    spread = np.fmax(np.fmax(three - quarter, (high - rare) / 3), LEAST_SPREAD)
    change = np.maximum(np.nan_to_num(mean[0] - centre), 0)
    return change, np.maximum(np.nan_to_num((mean[0] - centre) / spread), 0)
