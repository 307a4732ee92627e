"""What the configuration says of the optional language model."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from config.quantities import Count, Seconds


class Llm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Used where ANTHROPIC_API_KEY or OPENAI_API_KEY is set, and never waited for."""

    enabled: bool = True
    provider: Literal["auto", "anthropic", "openai"] = "auto"  # auto: whose key is set, Anthropic first
    model: str = ""  # empty: claude-haiku-4-5 or gpt-5-mini
    deadline_s: Annotated[Seconds, Meta(le=120)] = 20.0
    answer_tokens: Count = 700  # at most
    tokens_per_day: Count = 200_000  # of questions and answers together
    usd_per_day: Annotated[float, Meta(ge=0)] = 1.0
    usd_per_million_tokens_in: Annotated[float, Meta(ge=0)] = (
        1.0  # for the count of money: your provider's price
    )
    usd_per_million_tokens_out: Annotated[float, Meta(ge=0)] = 5.0
