"""Secrets in what services print, answer and name stand in no fact, however they got there."""

from typing import Any

import pytest

from agents.events import FixApplied, HealthChanged
from agents.running.cleaning import Cleaner
from config.model import Config, ProcessPlatform, Service

CONFIG = Config(
    services=(
        Service(
            name="shop",
            platform=ProcessPlatform(command=("x",), env={"SHOP_TOKEN": "tulip-field", "MODE": "production"}),
        ),
    )
)


def cleaned(fact: Any, config: Config = CONFIG) -> Any:
    Cleaner(lambda: config, {"RENDER_API_KEY": "rose-garden"})([fact])
    return fact


@pytest.mark.parametrize("secret", ["rose-garden", "tulip-field"])
def test_known_secrets_are_taken_out_of_all_that_people_read(secret: str) -> None:
    fact = cleaned(
        HealthChanged(health="down", reason=f"x {secret}", output=f"login {secret}", answer=secret)
    )
    assert (fact.reason, fact.output, fact.answer) == ("x [redacted]", "login [redacted]", "[redacted]")
    assert cleaned(FixApplied(fix="f", outcome="failed", detail=secret)).detail == "[redacted]"


def test_what_looks_like_a_key_is_taken_out_though_nobody_knows_it() -> None:
    fact = cleaned(HealthChanged(health="down", output="api_key=abcdef123456 and https://me:pw@host/x"))
    assert fact.output == "api_key=[redacted] and https://[redacted]@host/x"


def test_ordinary_words_stay() -> None:
    fact = cleaned(HealthChanged(health="down", reason="MODE is production", symptom="exit"))
    assert (fact.reason, fact.symptom) == ("MODE is production", "exit")


def test_a_secret_of_a_new_configuration_is_known_at_once() -> None:
    configs = [Config(), CONFIG]
    cleaner = Cleaner(lambda: configs[0], {})
    before, after = (
        HealthChanged(health="down", reason="tulip-field"),
        HealthChanged(health="down", reason="tulip-field"),
    )
    cleaner([before])
    configs.pop(0)
    cleaner([after])
    assert (before.reason, after.reason) == ("tulip-field", "[redacted]")
