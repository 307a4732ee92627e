"""Turns a line of the journal back into a record, also one that another version of us wrote."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from utils.event import Record, UnknownFact


class _AsOld(Struct):
    position: int
    agent: str
    handled: str = ""
    results: tuple[Raw, ...] = ()


class _Stamp(Struct):
    """What every event carries, whatever its kind."""

    type: str = ""
    id: str = ""
    cause: str = ""
    incident: str = ""
    service: str = ""
    at: float = 0.0


class RecordDecoder:
    """`tell_unknown(kind, problem)` is called once for each kind that no class of ours fits."""

    def __init__(self, result_type: Any, tell_unknown: Callable[[str, str], None]) -> None:
        results: Any = tuple[result_type, ...]
        fields: list[Any] = [
            ("position", int),
            ("agent", str),
            ("handled", str, ""),
            ("results", results, ()),
        ]
        self._whole = msgspec.json.Decoder(msgspec.defstruct("RecordLine", fields, gc=False))
        self._result = msgspec.json.Decoder(result_type)
        self._as_old = msgspec.json.Decoder(_AsOld)
        self._stamp = msgspec.json.Decoder(_Stamp)
        self._tell_unknown = tell_unknown
        self._told: set[str] = set()

    def __call__(self, body: bytes | memoryview) -> Record:
        try:
            line: Any = self._whole.decode(body)
        except msgspec.ValidationError:
            old = self._as_old.decode(body)
            results = tuple(self._one(raw) for raw in old.results)
            return Record(old.position, old.agent, old.handled, results)
        return Record(line.position, line.agent, line.handled, line.results)

    def _one(self, raw: Raw) -> Any:
        try:
            return self._result.decode(raw)
        except msgspec.ValidationError as error:
            stamp = self._stamp.decode(raw)
            if stamp.type not in self._told:
                self._told.add(stamp.type)
                self._tell_unknown(stamp.type, str(error))
            return UnknownFact(
                id=stamp.id,
                cause=stamp.cause,
                incident=stamp.incident,
                service=stamp.service,
                at=stamp.at,
                kind=stamp.type,
                raw=bytes(raw),
            )
