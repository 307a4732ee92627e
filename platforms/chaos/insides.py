"""What of ourselves can be broken on purpose. Nothing of it outlives the process, so a crash undoes it."""

from typing import Protocol


class Insides(Protocol):
    def agents(self) -> tuple[str, ...]:
        """Who runs here."""
        ...

    def reached(self) -> tuple[str, ...]:
        """Whom we call that can be cut off: "telegram", "render"."""
        ...

    def kill_agent(self, name: str) -> None:
        """Its supervisor starts it anew."""
        ...

    def block_loop(self, seconds: float) -> None:
        """Nothing at all moves for so long."""
        ...

    def fail_disk(self, problem: str) -> None:
        """Every write to the state folder fails from now on, "full" or "broken"; empty: no more."""
        ...

    def cut(self, whom: str, *, is_cut: bool) -> None:
        """No call reaches it any more."""
        ...

    def state(self) -> dict[str, str]:
        """What is broken now, and how."""
        ...
