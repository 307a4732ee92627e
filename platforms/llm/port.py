"""What the daemon's agents may ask of a language model."""

from typing import Any, Literal, Protocol

from msgspec import Struct

Provider = Literal["anthropic", "openai"]
DEFAULT_MODELS: dict[Provider, str] = {"anthropic": "claude-haiku-4-5", "openai": "gpt-5-mini"}


class LanguageModelError(Exception):
    """There is no answer; the text is one line for people. `soon` says that asking again later may help."""

    def __init__(self, text: str, *, soon: bool = False) -> None:
        super().__init__(text, soon)
        self.soon = soon

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return (_error, (self.args[0], self.soon))


def _error(text: str, soon: bool) -> LanguageModelError:
    return LanguageModelError(text, soon=soon)


class Question(Struct, frozen=True):
    """`schema` is a JSON Schema of an object all of whose properties are required."""

    system: str
    document: str  # all that is untrusted stands in here
    schema: dict[str, Any]
    model: str = ""  # empty: the provider's default
    most_tokens: int = 700  # of the answer
    deadline_s: float = 20.0


class Reply(Struct, frozen=True):
    answer: dict[str, Any]  # has not been checked against anything
    model: str
    tokens_in: int
    tokens_out: int


class LanguageModel(Protocol):
    async def ask(self, question: Question) -> Reply:
        """Raises LanguageModelError."""
        ...
