"""Healing coverage: which kinds of fault were proven healed lately, in which layer, and what that is worth as one figure."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from msgspec import Struct

PROVEN_S = 30 * 86400.0  # a proof that is older counts no more
NEWEST = 5  # so many of the newest proofs say how well it goes now

Place = tuple[str, str]  # (cause, layer)


class Proof(Struct, frozen=True):
    """One act that was judged: in a drill, in an experiment, or because something really failed."""

    cause: str
    layer: str
    at: float
    healed: bool
    seconds: float = 0.0  # from the opening of its incident to its verdict


class Covered(Struct, frozen=True):
    """What is known of one cause in one layer. `proven_at` is the newest healing that still counts."""

    cause: str
    layer: str
    proven_at: float | None = None
    healed: int = 0
    failed: int = 0
    value: float = 0.0  # 0 to 1: the share of the newest proofs in which it was healed

    @property
    def proven(self) -> bool:
        return self.proven_at is not None


def coverage(proofs: Iterable[Proof], offered: Collection[Place], now: float) -> list[Covered]:
    """One for each place that a fix is offered for. What is not proven within thirty days is worth nothing.

    >>> old, new = Proof("crash", "application", 0.0, True), Proof("hang", "application", PROVEN_S, True)
    >>> cells = coverage([old, new], {("crash", "application"), ("hang", "application")}, PROVEN_S + 1)
    >>> [(cell.cause, cell.proven, cell.value) for cell in cells], share(cells), score(cells)
    ([('crash', False, 0.0), ('hang', True, 1.0)], 0.5, 50.0)
    """
    by_place: dict[Place, list[Proof]] = defaultdict(list)
    for proof in proofs:
        if 0 <= now - proof.at <= PROVEN_S:
            by_place[proof.cause, proof.layer].append(proof)
    return [_covered(place, by_place.get(place, [])) for place in sorted(offered)]


def _covered(place: Place, proofs: list[Proof]) -> Covered:
    proofs.sort(key=lambda proof: proof.at)
    good = [proof for proof in proofs if proof.healed]
    if not good:
        return Covered(*place, failed=len(proofs))
    newest = proofs[-NEWEST:]
    value = sum(proof.healed for proof in newest) / len(newest)
    return Covered(*place, good[-1].at, len(good), len(proofs) - len(good), value)


def share(cells: Collection[Covered]) -> float:
    """How much of what could be healed was proven to be."""
    return sum(cell.proven for cell in cells) / len(cells) if cells else 0.0


def score(cells: Collection[Covered]) -> float:
    """Resilience from 0 to 100: as `share`, but a place where healing fails now and then is worth less."""
    return round(100.0 * sum(cell.value for cell in cells) / len(cells), 1) if cells else 0.0


def quantile(seconds: Collection[float], q: float) -> float | None:
    """The smallest of them that at least such a share does not pass.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([], 0.5), quantile([1.0, 2.0], 0.95)
    (2.0, None, 2.0)
    """
    known = sorted(seconds)
    return known[max(0, -int(-q * len(known) // 1) - 1)] if known else None
