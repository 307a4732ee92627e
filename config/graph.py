"""Who depends on whom: order of start, dependants, cycles."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from config.model import Config


def start_order(config: Config) -> tuple[str, ...]:
    """Dependencies first, else as declared. The reverse is the order in which to stop."""
    edges = _needs(config)
    seen: set[str] = set()
    return tuple(found for name in edges if name not in seen for found in _reach(edges, name, seen))


def dependencies(config: Config, name: str) -> tuple[str, ...]:
    """Everything that a service needs, directly or through others, in order of declaration."""
    return _declared(config, _reach(_needs(config), name, set()), name)


def dependants(config: Config, name: str) -> tuple[str, ...]:
    """Everything that needs a service, directly or through others, in order of declaration."""
    needed_by: dict[str, list[str]] = {}
    for service, needs in _needs(config).items():
        for needed in needs:
            needed_by.setdefault(needed, []).append(service)
    return _declared(config, _reach(needed_by, name, set()), name)


def independent(names: AbstractSet[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    """Those of them that need, however indirectly, no other of them.

    >>> sorted(independent({"a", "b", "c"}, {"a": ("x",), "x": ("b",), "b": (), "c": ()}))
    ['b', 'c']
    """
    return {name for name in names if not names & (set(_reach(needs, name, set())) - {name})}


def cycles(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Cycles as the names along them, at least one for each knot.

    >>> cycles({"shop": ["pricing"], "pricing": ["stock"], "stock": ["pricing"]})
    [('pricing', 'stock')]
    """
    found: dict[frozenset[str], tuple[str, ...]] = {}
    done: set[str] = set()
    for start in edges:
        trail = [] if start in done else [start]
        untried = [iter(edges[name]) for name in trail]
        while trail:
            following = next(untried[-1], None)
            if following is None:
                done.add(trail.pop())
                untried.pop()
            elif following in trail:
                cycle = tuple(trail[trail.index(following) :])
                found.setdefault(frozenset(cycle), cycle)
            elif following not in done:
                trail.append(following)
                untried.append(iter(edges.get(following, ())))
    return list(found.values())


def _needs(config: Config) -> dict[str, tuple[str, ...]]:
    return {service.name: service.depends_on for service in config.services}


def _declared(config: Config, names: Sequence[str], but: str) -> tuple[str, ...]:
    wanted = set(names) - {but}
    return tuple(service.name for service in config.services if service.name in wanted)


def _reach(edges: Mapping[str, Sequence[str]], start: str, seen: set[str]) -> list[str]:
    """What can be reached from `start` and is not in `seen`, each name after everything that it reaches itself."""
    finished: list[str] = []
    seen.add(start)
    trail = [start]
    untried = [iter(edges.get(start, ()))]
    while trail:
        following = next(untried[-1], None)
        if following is None:
            finished.append(trail.pop())
            untried.pop()
        elif following not in seen:
            seen.add(following)
            trail.append(following)
            untried.append(iter(edges.get(following, ())))
    return finished
