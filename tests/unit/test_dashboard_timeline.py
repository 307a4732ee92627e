import typing

import msgspec
import pytest

from agents import events as e
from dashboard.timeline import as_item, describe
from tests.fixtures.dashboard_view import rfc3339
from utils.event import Fact

FACTS = [
    kind
    for kind in vars(e).values()
    if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
]


def test_an_item_carries_what_the_stream_promises() -> None:
    fact = e.HealthChanged(
        id="h1",
        cause="c",
        incident="i",
        service="shop",
        at=1e9,
        health="down",
        symptom="exit",
        reason="signal 9",
    )
    item = as_item(fact, rfc3339)
    assert item == {
        "id": "h1",
        "type": "HealthChanged",
        "at": "2001-09-09T01:46:40.000Z",
        "service": "shop",
        "incident": "i",
        "cause": "c",
        "text": "shop is down: signal 9",
        "fact": {"health": "down", "symptom": "exit", "reason": "signal 9"},
    }


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_every_fact_has_a_sentence(kind: type[Fact]) -> None:
    fields = {f.name: f for f in msgspec.structs.fields(kind)}
    plain: dict[object, object] = {
        str: "text",
        float: 1.5,
        int: 2,
        bool: True,
        e.Cause: e.Cause("crash", "shop", 0.9),
    }
    values = {
        name: plain.get(field.type) or typing.get_args(field.type)[0]
        for name, field in fields.items()
        if field.required
    }
    assert describe(kind(**values)) not in {"", kind.__name__}


def test_what_services_print_cannot_steer_a_terminal() -> None:
    fact = e.ChangeObserved(service="shop\x1b[2J", kind="release", what="x", after="\r\nv2")
    assert "\x1b" not in describe(fact)
    assert "\n" not in describe(fact)
