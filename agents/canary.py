"""Canary: falls ill on purpose every few minutes, so that the whole way from symptom to verdict is known to work."""

from msgspec import Struct, field

from agents.agent import Results, Traits
from agents.events import Event, Tick
from utils.alone import run_alone


class State(Struct):
    """A canary remembers nothing."""

    none: dict[str, str] = field(default_factory=dict)


class Canary:
    name = "canary"
    consumes: tuple[type[Event], ...] = (Tick,)
    emits: tuple[type[Event], ...] = ()
    traits = Traits(optional=True)

    def __init__(self) -> None:
        self.state = State()
        self.ticked_at = 0.0  # of the monitor's clock, as it reaches agents

    def handle(self, event: Tick) -> Results:
        self.ticked_at = event.at
        return ()

    def apply(self, fact: Event) -> None:
        """Nothing is durable here."""


if __name__ == "__main__":
    run_alone(__file__)
