"""What each fix promises one service now: which apply, how probably they heal, and whether the words found name what they mend."""

from collections.abc import Mapping, Sequence
from functools import partial

from agents.events import Cause, CauseFound
from analysis.bandit import Outcomes, believe, together
from analysis.choice import Option, named, prior, rank
from analysis.ledger import WAIT, by_itself, seen
from config.fixes import Fix
from config.model import Service
from config.world import World

BESIDE_THE_POINT = 0.3  # what is left of a fix for files where a cache is named, and the other way round
OUTSIDE = frozenset({"traffic_spike", "packet_loss"})
SURE = 0.6

Beliefs = Sequence[tuple[str, float]]  # (cause, confidence)


class Prospects:
    def __init__(self, world: World, rates: Mapping[str, Outcomes], *, is_down: bool) -> None:
        self._world = world
        self._rates = rates
        self._is_down = is_down

    def options(self, target: Service, found: CauseFound, beliefs: Beliefs) -> list[Option]:
        """Best first."""
        kind = type(target.platform)
        alike = {service.name for service in self._world.config.services if type(service.platform) is kind}
        beside = _beside_the_point(target, found)

        def heals(fix: Fix, cause: str, *, hoping: bool) -> float:
            outcomes = self._rates.get(f"{cause}/{fix.name}", Outcomes())
            belief = believe(outcomes, prior(fix, cause), target.name, alike=alike)
            tries = (
                fix.risk == "safe" and fix.name != WAIT
            )  # nobody's patience and no risk is spent on curiosity
            chance = belief.hoped(seen(self._rates, cause)) if hoping and tries else belief.mean
            if fix.name != WAIT:
                chance = together(chance, by_itself(self._rates, cause, target.name, alike=alike))
            return chance * BESIDE_THE_POINT if beside in fix.needs else chance

        causes = {cause for cause, _ in beliefs}
        fixes = [
            fix
            for fix in self._world.fixes.values()
            if not causes.isdisjoint(fix.cures) and self._applies(fix, target)
        ]
        return rank(fixes, beliefs, partial(heals, hoping=False), partial(heals, hoping=True))

    def _applies(self, fix: Fix, target: Service) -> bool:
        if fix.name == WAIT:
            return not self._is_down  # the dead do not rise by being watched
        if fix.name == "respawn" and not self._is_down:
            return False
        return fix.applies_to(target)


def bearable(options: list[Option], cause: Cause) -> list[Option]:
    """What comes from outside stays when a service starts anew, which loses what it had in hand besides."""
    if cause.name not in OUTSIDE or cause.confidence < SURE:
        return options
    return [option for option in options if option.fix.name == WAIT or not option.fix.only_starts_anew]


def _beside_the_point(target: Service, found: CauseFound) -> str:
    """The need of those fixes that mend what nobody speaks of, while what others mend is named."""
    words = [sentence for cause in (found.best, *found.rivals) for sentence in cause.evidence]
    of_files = named([file.path for file in target.files], words)
    of_caches = named(target.caches, words)
    if of_files == of_caches:
        return ""
    return "caches" if of_files else "files"
