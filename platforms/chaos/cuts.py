"""Who of those we lean on cannot be reached, on purpose: asked by the wires that can be cut."""

from collections.abc import Sequence

from platforms.render.failures import LostError
from platforms.render.wire import Answer, HttpWire

TOLD = "cut by a chaos experiment"


class Cuts:
    """`known` are those that we use at all."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.cut: set[str] = set()


class CuttableRender(HttpWire):
    def __init__(self, url: str, key: str, cuts: Cuts) -> None:
        super().__init__(url, key)
        self._cuts = cuts
        cuts.known.add("render")

    async def send(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes | None, timeout_s: float
    ) -> Answer:
        if "render" in self._cuts.cut:
            raise LostError(f"no connection: {TOLD}", sent=False)
        return await super().send(method, path, query, body, timeout_s)
