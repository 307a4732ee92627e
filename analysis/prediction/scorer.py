"""A learnt predictor ready to score the newest row of one service, and to say which metrics made it think so."""

import numpy as np
from msgspec import Struct

from analysis.prediction.boosted import OBJECTIVES, Boosted
from analysis.prediction.calibration import Logistic
from analysis.prediction.features import Features
from analysis.prediction.flat import Trees, flattened
from analysis.prediction.learnt import Learnt
from analysis.prediction.record import Floats, Matrix, Record
from analysis.prediction.recurrence import recurrence

NAMED = 3  # metrics that are given as reasons
LEAST_SHARE = 0.1  # of the chance: what changes it less is no reason


class Member(Struct, frozen=True):
    """One ensemble: its margin in standard deviations; `sign` -1 where low means soon."""

    trees: Trees
    sign: int
    centre: float
    spread: float

    def margins(self, matrix: Matrix) -> Floats:
        return np.asarray((self.sign * self.trees.margins(matrix) - self.centre) / self.spread)


class Scorer(Struct, frozen=True):
    names: tuple[str, ...]
    horizon: tuple[float, float]
    scales: tuple[float, ...]
    members: tuple[Member, ...]
    logistic: Logistic
    lag: float | None
    threshold: float
    exact: bool = False

    def chance(self, samples: Record) -> float:
        """That the service of `samples`, which has no other, fails inside the horizon, at its last row."""
        precursors = self._precursors(self._last_row(samples)[1])
        return float(1 - (1 - precursors[0]) * (1 - self._returning(samples)))

    def reasons(self, samples: Record) -> tuple[str, ...]:
        """What lowers the chance most when it is taken for unknown."""
        names, row = self._last_row(samples)
        groups = [name for name, scale in zip(self.names, self.scales, strict=True) if scale > 0]
        without = np.repeat(row, 1 + len(groups), axis=0)
        for number, metric in enumerate(groups, start=1):
            own = [name == metric or name.startswith(f"{metric} ") for name in names]
            without[number, own] = np.nan
        chances = self._precursors(without)
        drops = chances[0] - chances[1:]
        first = [n for n in np.argsort(-drops)[:NAMED].tolist() if drops[n] > LEAST_SHARE * chances[0]]
        values = dict(zip(self.names, samples.values[-1], strict=True))
        said = [
            f"{groups[n]} is {values[groups[n]]:.4g}: without its course the chance were {chances[1 + n]:.0%}"
            for n in first
        ]
        if self.lag is not None and (again := self._returning(samples)) > LEAST_SHARE:
            said.append(
                f"it failed at this time of the last periods of {self.lag / 3600:.0f} h ({again:.0%})"
            )
        return tuple(said)

    def _last_row(self, samples: Record) -> tuple[tuple[str, ...], Matrix]:
        features = Features(samples, np.array(self.scales), self.horizon[1], exact=self.exact)
        return features.names, features.rows(np.array([len(samples) - 1]))

    def _precursors(self, matrix: Matrix) -> Floats:
        return self.logistic.probability(
            np.asarray(np.mean([member.margins(matrix) for member in self.members], axis=0))
        )

    def _returning(self, samples: Record) -> float:
        return 0.0 if self.lag is None else float(recurrence(samples, self.lag, self.horizon)[-1])


def scorer(learnt: Learnt) -> Scorer:
    """Scores as `learnt` does, without XGBoost."""
    return Scorer(
        names=learnt.names,
        horizon=learnt.horizon,
        scales=learnt.scales,
        members=tuple(member for boosted in learnt.members for member in _members(boosted)),
        logistic=learnt.logistic,
        lag=learnt.lag,
        threshold=learnt.threshold,
        exact=learnt.exact,
    )


def _members(boosted: Boosted) -> tuple[Member, ...]:
    return tuple(
        Member(
            flattened(text, logistic=OBJECTIVES[kind] == "binary:logistic"),
            -1 if kind == "until" else 1,
            boosted.centres[kind],
            boosted.spreads[kind],
        )
        for kind, text in boosted.models.items()
    )
