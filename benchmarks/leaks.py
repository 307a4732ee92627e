"""Made-up resources with a daily wave, steps and noise, of which some leak: what trends to a limit are tried on."""

import math
import random
from collections.abc import Iterator

from msgspec import Struct

DAY_S = 86_400.0
HOUR_S = 3600.0
SHORTEST_S, LONGEST_S = 45 * 60.0, 48 * HOUR_S


class Resource(Struct, frozen=True):
    """Shares of the limit. `leak_at` is None for one that stays well; steps are (when, how much, over how long)."""

    seed: int
    base: float
    wave: float  # from mean to peak
    phase_s: float
    noise: float
    steps: tuple[tuple[float, float, float], ...]
    leak_at: float | None = None
    to_limit_s: float = 0.0  # how long the leak takes from the level at its onset, were there no wave

    def level(self, at: float) -> float:
        """Without noise."""
        level = self.base + self.wave * math.sin(2 * math.pi * (at - self.phase_s) / DAY_S)
        level += sum(size * min(1.0, max(0.0, at - when) / over_s) for when, size, over_s in self.steps)
        if self.leak_at is not None and at > self.leak_at:
            level += (1 - self.base - self._stepped()) * (at - self.leak_at) / self.to_limit_s
        return level

    def samples(self, until: float, step_s: float, limit: float) -> Iterator[tuple[float, float]]:
        draw = random.Random(self.seed)
        at = 0.0
        while at < until:
            yield at, limit * max(self.level(at) + draw.gauss(0, self.noise), 0.0)
            at += step_s

    def full_at(self, step_s: float = 15.0) -> float:
        """When the level reaches the limit."""
        at = self.leak_at or 0.0
        while self.level(at) < 1.0:
            at += step_s
        return at

    def _stepped(self) -> float:
        return sum(size for when, size, _ in self.steps if self.leak_at is not None and when <= self.leak_at)


def resource(seed: int, *, leaks: bool, days: float) -> Resource:
    """Its peaks stay below 88 % of the limit while it does not leak."""
    draw = random.Random(f"{seed}/{leaks}")
    base, wave = draw.uniform(0.3, 0.6), draw.uniform(0.0, 0.15)
    steps: list[tuple[float, float, float]] = []
    height, at = 0.0, draw.expovariate(1 / (0.7 * DAY_S))
    while at < days * DAY_S:
        size = draw.choice([-1, 1]) * draw.uniform(0.02, 0.12)
        if 0.15 - base + wave < height + size < 0.85 - base - wave:
            steps.append((at, size, draw.choice([1.0, 120.0])))
            height += size
        at += draw.expovariate(1 / (0.7 * DAY_S))
    leak_at = draw.uniform(600.0, 1.5 * DAY_S) if leaks else None
    return Resource(
        seed=seed,
        base=base,
        wave=wave,
        phase_s=draw.uniform(0, DAY_S),
        noise=draw.uniform(0.001, 0.008),
        steps=tuple(steps),
        leak_at=leak_at,
        to_limit_s=math.exp(draw.uniform(math.log(SHORTEST_S), math.log(LONGEST_S))) if leaks else 0.0,
    )
