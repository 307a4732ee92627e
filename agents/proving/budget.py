"""When an experiment costs too much: users of services may suffer for so long, and nobody beyond its reach at all."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from config.graph import dependants, dependencies
from config.model import Config


class Budget:
    """Counts the seconds in which services were ill while a fault was in, all services and faults together.

    >>> budget = Budget(limit_s=10.0)
    >>> budget.begin({"shop"}, set())
    >>> budget.look({"shop"}, at=2.0)
    >>> budget.breach(at=11.0), budget.breach(at=13.0)
    ('', 'services were ill for 11 s in all, more than the error budget of 10 s')
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._reach: AbstractSet[str] = frozenset()
        self._since: dict[str, float] = {}  # service -> since when it is ill
        self._before: AbstractSet[str] = frozenset()  # ill before any fault was in: no fault is to blame
        self._spent_s = 0.0

    def begin(self, reach: AbstractSet[str], ill: AbstractSet[str]) -> None:
        """A fault is in; `reach` is whom all faults together may hurt."""
        if not self._reach:
            self._spent_s, self._since, self._before = 0.0, {}, frozenset(ill)
        self._reach = self._reach | reach

    def end(self) -> None:
        """No fault is in any more."""
        self._reach = frozenset()

    def look(self, ill: AbstractSet[str], at: float) -> None:
        """Who is ill now."""
        self._before = self._before & ill
        for service in self._since.keys() - ill:
            self._spent_s += at - self._since.pop(service)
        for service in ill - self._before:
            self._since.setdefault(service, at)

    def breach(self, at: float) -> str:
        """Why every fault has to end now; empty: it does not."""
        if not self._reach:
            return ""
        beyond = sorted(self._since.keys() - self._reach)
        if beyond:
            return f"{', '.join(beyond)} fell ill, which the fault was not to reach"
        spent_s = self._spent_s + sum(at - since for since in self._since.values())
        if spent_s <= self.limit_s:
            return ""
        return (
            f"services were ill for {spent_s:.0f} s in all, more than the error budget of {self.limit_s:g} s"
        )


def reach(config: Config, hurt: Iterable[str]) -> set[str]:
    """Whom a fault of these may hurt: them, what they need, and everybody who needs them.

    What they need is in it too: a healer may restart it, and callers that try again may overload it.
    """
    near: set[str] = set()
    for name in hurt:
        near |= {name, *dependencies(config, name), *dependants(config, name)}
    return near
