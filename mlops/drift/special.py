"""Tails of the distributions that drift tests need, in plain Python: importing scipy would cost 0.7 CPU s and 80 MB."""

import math
from statistics import NormalDist

NORMAL = NormalDist()
_TINY = 1e-300


def sigmas_apart(distance: float) -> float:
    """The shift of a normal, in standard deviations, whose total variation from where it was is `distance`.

    >>> round(sigmas_apart(0.1974), 2), sigmas_apart(0.0)
    (0.5, 0.0)
    """
    return 2.0 * NORMAL.inv_cdf((1.0 + min(distance, 1.0 - 1e-12)) / 2.0)


def chi_square_tail(x: float, degrees: int) -> float:
    """P(chi-square with `degrees` > x).

    >>> round(chi_square_tail(3.841458820694124, 1), 12)
    0.05
    """
    if math.isinf(x) or degrees < 1:
        return 0.0 if x > 0 else 1.0
    return 1.0 if x <= 0 else _upper_gamma(degrees / 2.0, x / 2.0)


def _upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function: a series below a + 1, a continued fraction above."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        n = a
        while term > total * 1e-17:
            n += 1.0
            term *= x / n
            total += term
        return 1.0 - front * total
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    h = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2.0
        d = 1.0 / (an * d + b or _TINY)
        c = b + an / c or _TINY
        h *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return front * h


def normal_two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2.0))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def fisher_two_sided(hits: int, draws: int, reference_hits: int, reference: int) -> float:
    """Twice the smaller tail of Fisher's exact test: `hits` of `draws` beside `reference_hits` of `reference`.

    >>> fisher_two_sided(5, 10, 50, 100), fisher_two_sided(30, 100, 100, 1000) < 1e-6
    (1.0, True)
    """
    total, good = draws + reference, hits + reference_hits
    if min(draws, reference) == 0 or good in {0, total}:
        return 1.0
    if hits * total < good * draws:  # the other tail is the upper tail of the misses
        hits, good = draws - hits, total - good
    last = min(good, draws)
    log_first = _log_choose(good, hits) + _log_choose(total - good, draws - hits) - _log_choose(total, draws)
    term = tail = 1.0
    for x in range(hits, last):
        term *= (good - x) * (draws - x) / ((x + 1) * (total - good - draws + x + 1))
        tail += term
        if term < tail * 1e-17:
            break
    return min(1.0, 2.0 * math.exp(log_first) * tail)
