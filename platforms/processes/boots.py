"""What stands in the way of the next start of a service, on purpose; it is forgotten when the daemon ends."""

from collections.abc import Mapping

from msgspec import Struct


class Hurdle(Struct, frozen=True, kw_only=True):
    prefix: tuple[str, ...] = ()  # runs in place of the command, which follows as its arguments
    env: Mapping[str, str] = {}  # over what is declared


class Boots:
    def __init__(self) -> None:
        self._hurdles: dict[str, Hurdle] = {}

    def put(self, service: str, hurdle: Hurdle) -> None:
        self._hurdles[service] = hurdle

    def clear(self, service: str) -> None:
        self._hurdles.pop(service, None)

    def of(self, service: str) -> Hurdle | None:
        return self._hurdles.get(service)

    def over(
        self, service: str, argv: list[str], environment: Mapping[str, str]
    ) -> tuple[list[str], Mapping[str, str]]:
        """How to start it, given what stands in the way.

        >>> boots = Boots()
        >>> boots.put("shop", Hurdle(prefix=("sleep-first",), env={"TOKEN": "wrong"}))
        >>> boots.over("shop", ["shop"], {"TOKEN": "right"})
        (['sleep-first', 'shop'], {'TOKEN': 'wrong'})
        >>> boots.over("worker", ["worker"], {})
        (['worker'], {})
        """
        hurdle = self._hurdles.get(service)
        if hurdle is None:
            return argv, environment
        return [*hurdle.prefix, *argv], {**environment, **hurdle.env}
