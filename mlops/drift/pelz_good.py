"""The law of the one-sample Kolmogorov-Smirnov distance as a series in 1/sqrt(n): Pelz and Good (1976)."""

import math

import numpy as np

_PI2 = math.pi**2
_ROOT = math.sqrt(2.0 * math.pi)


def series_law(n: int, z: float) -> float:
    """P(sqrt(n) D <= z) up to terms in n ** -1.5.

    >>> round(series_law(1000, 1.0), 6)
    0.735591
    """
    s = z * z
    terms = math.ceil(16.0 * z / math.pi)
    odd = (2.0 * np.arange(terms, 0, -1.0) - 1.0) ** 2  # small terms first
    weights = np.exp(-_PI2 * odd / (8.0 * s))
    every = np.arange(terms, 0, -1.0) ** 2
    others = every * np.exp(-_PI2 * every / (2.0 * s))
    zero, one, two, three = (float((weights * factor).sum()) for factor in _factors(s, odd))
    two = two / (72.0 * z**7) - _PI2 * float(others.sum()) / (36.0 * z**3)
    three = three / (6480.0 * z**10) + _PI2 * float(((3.0 * s - _PI2 * every) * others).sum()) / (
        216.0 * z**6
    )
    root_n = math.sqrt(n)
    return _ROOT * (zero / z + one / (6.0 * z**4) / root_n + two / n + three / root_n**3)


def _factors(s: float, odd: np.ndarray) -> tuple[np.ndarray, ...]:
    """Polynomials in the squares of the odd numbers, for the powers 0 to 3 of n ** -0.5; s = z²."""
    one = -s + _PI2 / 4 * odd
    two = 6 * s**3 + 2 * s**2 + _PI2 / 4 * (2 * s**2 - 5 * s) * odd + _PI2**2 / 16 * (1 - 2 * s) * odd**2
    three = (
        -30 * s**3
        - 90 * s**4
        + _PI2 / 4 * (135 * s**2 - 96 * s**3) * odd
        + _PI2**2 / 16 * (212 * s**2 - 60 * s) * odd**2
        + _PI2**3 / 64 * (5 - 30 * s) * odd**3
    )
    return np.ones_like(odd), one, two, three
