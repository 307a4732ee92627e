"""What can be wrong with a connection, under the names and with the attributes that toxiproxy has made known.

>>> toxic = parse({"type": "latency", "attributes": {"latency": 800}})
>>> toxic.name, toxic.stream, toxic.attributes.latency
('latency_downstream', 'downstream', 800)
"""

import random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Stream = Literal["upstream", "downstream"]  # what the client says; what it is answered
Whole = Annotated[int, Meta(ge=0)]
Chance = Annotated[float, Meta(ge=0, le=1)]


class _Attributes(Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    pass


class Latency(_Attributes, frozen=True, kw_only=True, tag="latency", tag_field="type"):
    """All data comes so much later, more or less by the jitter."""

    latency: Whole = 0  # ms
    jitter: Whole = 0  # ms

    def delay_s(self) -> float:
        return max(self.latency + random.uniform(-self.jitter, self.jitter), 0.0) / 1000


class Bandwidth(_Attributes, frozen=True, kw_only=True, tag="bandwidth", tag_field="type"):
    rate: Whole = 0  # kB/s; 0: no limit


class SlowClose(_Attributes, frozen=True, kw_only=True, tag="slow_close", tag_field="type"):
    delay: Whole = 0  # ms, before an end is passed on


class Timeout(_Attributes, frozen=True, kw_only=True, tag="timeout", tag_field="type"):
    """No data gets through, and the connection is closed after that; 0: never, until the toxic is removed."""

    timeout: Whole = 0  # ms


class ResetPeer(_Attributes, frozen=True, kw_only=True, tag="reset_peer", tag_field="type"):
    """The connection is reset so long after the first data."""

    timeout: Whole = 0  # ms


class Slicer(_Attributes, frozen=True, kw_only=True, tag="slicer", tag_field="type"):
    average_size: Annotated[int, Meta(ge=1)] = 64  # bytes
    size_variation: Whole = 0  # bytes, less than the average
    delay: Whole = 0  # microseconds, after each piece

    def slices(self, data: bytes) -> list[bytes]:
        """Pieces of about the average size, none longer than that and the variation.

        >>> [len(piece) for piece in Slicer(average_size=4).slices(b"0123456789")]
        [4, 4, 2]
        """
        pieces, at = [], 0
        while at < len(data):
            size = max(self.average_size + random.randint(-self.size_variation, self.size_variation), 1)
            pieces.append(data[at : at + size])
            at += size
        return pieces


class LimitData(_Attributes, frozen=True, kw_only=True, tag="limit_data", tag_field="type"):
    bytes: Whole = 0  # after so many the connection is closed


Attributes = Latency | Bandwidth | SlowClose | Timeout | ResetPeer | Slicer | LimitData
TYPES = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data")


class Toxic(Struct, frozen=True, kw_only=True):
    name: str
    stream: Stream
    toxicity: Chance
    attributes: Attributes
    expires_s: float = 0.0  # it goes by itself, whoever forgot it; 0: never. toxiproxy has no such thing

    @property
    def type(self) -> str:
        return str(self.attributes.__struct_config__.tag)

    def shown(self) -> dict[str, Any]:
        attributes = msgspec.to_builtins(self.attributes)
        kind = attributes.pop("type")
        return {
            "name": self.name,
            "type": kind,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": attributes,
        }


class _Asked(Struct, kw_only=True):
    type: str = ""
    name: str = ""
    stream: Stream = "downstream"
    toxicity: Chance = 1.0
    attributes: dict[str, Any] = {}
    expires_s: Annotated[float, Meta(ge=0)] = 0.0


def parse(asked: Any) -> Toxic:
    """A toxic as the API takes it. Raises ValueError with what is wrong."""
    wanted = msgspec.convert(asked, _Asked)
    if wanted.type not in TYPES:
        raise ValueError(f"invalid toxic type {wanted.type!r}; there are: {', '.join(TYPES)}")
    return Toxic(
        name=wanted.name or f"{wanted.type}_{wanted.stream}",
        stream=wanted.stream,
        toxicity=wanted.toxicity,
        attributes=_attributes(wanted.type, wanted.attributes),
        expires_s=wanted.expires_s,
    )


def changed(toxic: Toxic, asked: Any) -> Toxic:
    """The toxic with other attributes or toxicity; its type and stream stay. Raises ValueError."""
    wanted = msgspec.convert(asked, _Asked)
    before = {key: value for key, value in msgspec.to_builtins(toxic.attributes).items() if key != "type"}
    toxicity = wanted.toxicity if "toxicity" in asked else toxic.toxicity
    attributes = _attributes(toxic.type, {**before, **wanted.attributes})
    return msgspec.structs.replace(toxic, attributes=attributes, toxicity=toxicity)


def _attributes(kind: str, given: dict[str, Any]) -> Attributes:
    found: Attributes = msgspec.convert({**given, "type": kind}, Attributes)
    if isinstance(found, Slicer) and found.size_variation >= found.average_size:
        raise ValueError("size_variation must be less than average_size")
    return found
