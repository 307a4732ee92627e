"""Several decisions in one handling: each reckons with those before it, as they will be folded."""

from collections.abc import Sequence

from msgspec.structs import force_setattr

from agents.events import Event, Fact
from agents.gate.books import State
from agents.gate.ledger import fold


class Draft:
    """`state` is the gate's own until something is decided, then a copy."""

    def __init__(self, state: State, at: float) -> None:
        self.state = state
        self.results: list[Event] = []
        self._at = at
        self._own = False

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            self.results.append(event)
            if not isinstance(event, Fact):
                continue
            if not self._own:
                self.state, self._own = self.state.copy(), True
            force_setattr(event, "at", self._at)  # stamped anew when it is recorded
            fold(self.state, event)
