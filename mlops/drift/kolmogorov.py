"""P-values of the two-sample Kolmogorov-Smirnov test as scipy gives them: exact, or by the one-sample law for many rows."""

import math

import numpy as np

from mlops.drift.arrays import Floats
from mlops.drift.pelz_good import series_law

_EXACT_ROWS = 10_000  # scipy's own limit for "auto"
_SMALL = 140  # rows
_ENOUGH = 2.2  # of n D²: beyond it both sides at once hardly add anything


def ks_p_value(distance: float, rows: int, others: int) -> float:
    """P(D >= distance) without drift.

    >>> round(ks_p_value(0.5, 4, 4), 12), round(ks_p_value(0.5, 4, 8), 12)
    (0.771428571429, 0.513131313131)
    """
    if max(rows, others) > _EXACT_ROWS:
        return _one_sample_tail(distance, round(rows * others / (rows + others)))
    shared = math.gcd(rows, others)
    height = round(distance * (rows // shared) * others)
    if height == 0:
        return 1.0
    if rows == others:
        return _square(rows, height)
    return _leaves_band(rows, others, shared, height)


def _square(n: int, height: int) -> float:
    """Reflection: an alternating sum of binomial coefficients (equal sizes)."""
    centre = 2.0 * math.lgamma(n + 1)
    total = 0.0
    for k in range(1, n // height + 1):
        log_term = centre - math.lgamma(n - k * height + 1) - math.lgamma(n + k * height + 1)
        total += math.exp(log_term) * (1 if k % 2 else -1)
    return min(1.0, 2.0 * total)


def _leaves_band(m: int, n: int, shared: int, height: int) -> float:
    """The share of all orders of both samples whose distance reaches `height`, along the diagonals of the lattice."""
    up, right = n // shared, m // shared
    first, touched = 0, np.zeros(1)
    for s in range(1, m + n + 1):
        low, high = max(0, s - n), min(m, s)
        i = np.arange(low, high + 1)
        before = np.ones(len(i) + 1)  # touched at s - 1 for i = low - 1 .. high
        start = first - (low - 1)
        before[start : start + len(touched)] = touched
        mixed = (before[:-1] * i + before[1:] * (s - i)) / s
        outside = np.abs(i * up - (s - i) * right) >= height
        first, touched = low, np.where(outside, 1.0, mixed)
    return float(touched[-1])


def _one_sample_tail(distance: float, n: int) -> float:
    """By the same formulas in the same ranges as scipy (Simard and L'Ecuyer, 2011), so that the figures agree."""
    t, weight = n * distance, n * distance**2
    if t <= 0.5 or distance >= 1.0:
        return 1.0 if t <= 0.5 else 0.0
    if weight >= _ENOUGH or distance >= 0.5 or (n <= _SMALL and weight > 4.0):
        return min(1.0, 2.0 * _one_sided_tail(distance, n))
    if n <= _SMALL or t <= 1.0 or n * distance**1.5 <= 1.4:
        return min(1.0, max(0.0, 1.0 - _matrix_law(distance, n)))
    return min(1.0, max(0.0, 1.0 - series_law(n, math.sqrt(n) * distance)))


def _one_sided_tail(distance: float, n: int) -> float:
    """Smirnov's exact sum."""
    j = np.arange(math.floor(n * (1.0 - distance)) + 1)
    above, below = distance + j / n, 1.0 - distance - j / n
    j, above, below = j[below > 0], above[below > 0], below[below > 0]
    factorials = np.array([math.lgamma(x + 1) for x in range(n + 1)])
    terms = factorials[n] - factorials[j] - factorials[n - j]
    terms = terms + (j - 1) * np.log(above) + (n - j) * np.log(below)
    return float(distance * np.exp(terms).sum())


def _matrix_law(distance: float, n: int) -> float:
    """P(D <= distance) by Marsaglia, Tsang and Wang (2003): a power of a small matrix."""
    k = math.ceil(n * distance)
    size, h = 2 * k - 1, k - n * distance
    matrix, exponent = _power(_start_matrix(size, h), n)
    log_value = math.log(matrix[k - 1, k - 1]) + exponent + math.lgamma(n + 1) - n * math.log(n)
    return math.exp(log_value)


def _start_matrix(size: int, h: float) -> Floats:
    rows, columns = np.indices((size, size))
    steps = np.where(rows - columns + 1 >= 0, rows - columns + 1, 0)
    inverse_factorial = np.array([math.exp(-math.lgamma(x + 1)) for x in range(size + 2)])
    matrix = np.where(rows - columns + 1 >= 0, inverse_factorial[steps], 0.0)
    powers = h ** np.arange(1, size + 1)
    matrix[:, 0] -= powers * inverse_factorial[1 : size + 1]
    matrix[-1, :] -= powers[::-1] * inverse_factorial[1 : size + 1][::-1]
    if 2.0 * h - 1.0 > 0.0:
        matrix[-1, 0] += (2.0 * h - 1.0) ** size * inverse_factorial[size]
    return np.asarray(matrix, dtype=float)


def _power(base: Floats, n: int) -> tuple[Floats, float]:
    """base ** n as a matrix and the logarithm of its scale, so that nothing overflows."""
    result, log_result, log_base = np.eye(len(base)), 0.0, 0.0
    while n:
        if n & 1:
            result, log_result = result @ base, log_result + log_base
            peak = float(np.abs(result).max())
            result, log_result = result / peak, log_result + math.log(peak)
        base, log_base = base @ base, 2.0 * log_base
        peak = float(np.abs(base).max())
        base, log_base = base / peak, log_base + math.log(peak)
        n >>= 1
    return result, log_result
