"""The limits of the gate, and how its allowance of false promotions is spread over its looks."""

import math

from msgspec import Struct

from config.settings import Settings


class GateLimits(Struct, frozen=True, kw_only=True):
    """Defaults are those of the environment; docs/evaluation_gates.md gives the reason of each."""

    min_samples: int = 200
    min_gain_pct: float = 2.0  # of F1, or of RMSE for a regression, relative to the champion's
    max_brier_loss: float = 0.01
    false_promotion: float = 0.01  # of a challenger that is no better, over all looks
    power: float = 0.99  # to tell the planned gain from none at the planned size
    planned_gain_pct: float = 5.0  # the smallest gain that is worth waiting for
    min_minority: int = 20  # samples of the rarer class
    max_unanswered: float = 0.01  # share of requests that the challenger failed to answer
    max_early_labels: float = 0.01  # share of labels that are older than their prediction
    slice_min_samples: int = 30
    slice_tolerance_pct: float = 2.0  # a slice that loses less than this is as good as before
    slice_alpha: float = 0.01  # that any slice is blamed though none is worse
    region_alpha: float = 0.003  # hundreds of regions are looked at, at every look
    region_tolerance_pct: float = 10.0  # regions are searched for: only a material loss counts
    skill_alpha: float = 0.001  # a champion whose score says nothing about the labels makes them suspect
    no_skill_auc: float = 0.6
    leak_auc: float = 0.985
    leak_gap: float = 0.05
    leak_error_ratio: float = (
        0.3  # a challenger that removes over 70 % of the champion's errors is asked about
    )
    calibration_gap: float = 0.03
    calibration_slope: float = 1.1  # above it outcomes differ more than the probabilities say
    calibration_slope_forest: float = 1.6  # averages of trees are drawn to the middle by themselves
    calibration_sigmas: float = 4.0
    slope_ratio: float = 1.15  # to the slope on the challenger's own held-out rows
    slope_sigmas: float = 3.0
    slope_hint_sigmas: float = 1.5  # so far from 1, more samples have to tell

    def look(self, samples: int) -> int:
        """Which look this many samples belong to: one at the minimum, one each time they have doubled.

        >>> [GateLimits().look(n) for n in (200, 399, 400, 1600)]
        [1, 1, 2, 4]
        """
        return 1 + max(0, int(math.log2(max(samples, 1) / self.min_samples)))

    def size(self, look: int) -> int:
        return int(self.min_samples * 2 ** (look - 1))

    def tail(self, look: int, *, final: bool) -> float:
        """The part of `false_promotion` that a look may use; those of all looks together do not exceed the whole.

        The final look, at the planned size, has four fifths of it, earlier ones share what is left.
        """
        return self.false_promotion * (0.8 if final else 0.2 / (look * (look + 1)))


def limits_of(settings: Settings) -> GateLimits:
    return GateLimits(
        min_samples=settings.min_samples_for_decision,
        min_gain_pct=settings.min_f1_improvement_pct,
        max_brier_loss=settings.max_brier_degradation,
    )
