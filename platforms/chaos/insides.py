"""What of ourselves can be broken on purpose. Nothing of it outlives the process, so a crash undoes it."""

from typing import Protocol


class Insides(Protocol):
    def agents(self) -> tuple[str, ...]:
        """Who runs here."""
        ...

    def kill_agent(self, name: str) -> None:
        """Its supervisor starts it anew."""
        ...

    def hang_agent(self, name: str, hangs: bool) -> None:
        """While it hangs, what is meant for it waits."""
        ...

    def fail_disk(self, problem: str) -> None:
        """Every write of the journal fails from now on with "full" or "broken"; empty: no more."""
        ...

    def cut(self, whom: str, is_cut: bool) -> None:
        """No call reaches "telegram" or "render" any more. Raises LookupError where we do not use it."""
        ...

    def block_loop(self, seconds: float) -> None:
        """Nothing at all moves for so long."""
        ...

    def state(self) -> dict[str, str]:
        """What is broken now, by what."""
        ...
