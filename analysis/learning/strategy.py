"""What outcomes say about how to treat one cause at one service: which fixes in which order, and how long to wait."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from analysis.learning.ladder import LEAST, Belief, Guess, Rung, arranged, belief, expected_s
from analysis.learning.waiting import Passing, as_belief, patience

WAIT = "wait"
NO_RUNG = Rung()


class Strategy(Struct, frozen=True):
    """`order` is today's where nothing speaks against it; `patience_s` is 0 for the usual time."""

    order: tuple[str, ...]
    usual: tuple[str, ...]
    patience_s: float
    promised_s: float  # until it is healed, as far as outcomes tell
    usual_s: float  # the same in the usual order
    outcomes: float  # that count

    @property
    def learnt(self) -> bool:
        return self.order != self.usual


def strategy(
    guesses: Sequence[Guess],
    here: Mapping[str, Rung],
    elsewhere: Mapping[str, Rung],
    passings: Sequence[Passing],
    longest_s: float,
) -> Strategy:
    """`guesses` stand in the usual order; `passings` are the oldest first, other services' before this one's own."""
    patience_s, beliefs = 0.0, []
    for guess in guesses:
        known = belief(guess, here.get(guess.fix, NO_RUNG), elsewhere.get(guess.fix, NO_RUNG))
        if guess.fix == WAIT and len(passings) >= LEAST:
            best = patience(passings, longest_s)
            patience_s, known = best.seconds, as_belief(WAIT, passings, best, longest_s)
        beliefs.append(known)
    usual, order = tuple(guess.fix for guess in guesses), arranged(beliefs)
    by_fix: dict[str, Belief] = {known.fix: known for known in beliefs}
    outcomes = sum(known.outcomes for known in beliefs)
    promised_s, usual_s = expected_s(order, by_fix), expected_s(usual, by_fix)
    return Strategy(order, usual, patience_s, promised_s, usual_s, outcomes)
