"""The Beta distribution: its cumulative probability and its quantiles, for what a record of successes is worth."""

from math import exp, lgamma, log

_TINY = 1e-300
_STEPS = 300


def cumulative(x: float, a: float, b: float) -> float:
    """Probability that a Beta(a, b) variable is at most `x` (regularized incomplete beta function).

    >>> round(cumulative(0.5, 2.0, 2.0), 6)
    0.5
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1.0 - x))
    if x < (a + 1.0) / (a + b + 2.0):  # the fraction converges fast on this side only
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def quantile(p: float, a: float, b: float) -> float:
    """The value below which a Beta(a, b) variable stays with probability `p`, by bisection.

    >>> round(quantile(0.1, 11.0, 1.0), 3)
    0.811
    """
    if a <= 0.0 or b <= 0.0 or not 0.0 <= p <= 1.0:
        raise ValueError(f"no Beta quantile for p={p}, a={a}, b={b}")
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2.0
        if cumulative(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _fraction(x: float, a: float, b: float) -> float:
    """Continued fraction of the incomplete beta function (Lentz's method)."""
    c, d = 1.0, 1.0 / _floor(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _floor(1.0 + term * d)
            c = _floor(1.0 + term / c)
            value *= d * c
        if abs(d * c - 1.0) < 1e-14:
            break
    return value


def _floor(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
