"""The calls themselves, on the providers' own clients: blocking, for a worker process, which has the keys in its environment.

The clients take 50 to 70 MiB and a second to load, which a worker gives back when it ends. Their own variables for another
address (ANTHROPIC_BASE_URL, OPENAI_BASE_URL) hold.
"""

import json
from collections.abc import Callable
from typing import Any

from platforms.llm.port import DEFAULT_MODELS, LanguageModelError, Provider, Question, Reply

TOOL = "give_advice"
WHAT_FOR = "Hand in the advice."
INSTALL = "install the extra llm: make setup-llm"


def call(provider: Provider, question: Question) -> Reply:
    """Raises LanguageModelError."""
    return _CALLS[provider](question, question.model or DEFAULT_MODELS[provider])


def _ask_claude(question: Question, model: str) -> Reply:
    """The schema goes in as that of a tool which has to be used: https://docs.claude.com/en/docs/build-with-claude/tool-use"""
    try:
        import anthropic
    except ImportError:
        raise LanguageModelError(INSTALL) from None
    client = anthropic.Anthropic(timeout=question.deadline_s, max_retries=0)
    try:
        message = client.messages.create(
            model=model,
            max_tokens=question.most_tokens,
            system=question.system,
            messages=[{"role": "user", "content": question.document}],
            tools=[{"name": TOOL, "description": WHAT_FOR, "input_schema": question.schema}],
            tool_choice={"type": "tool", "name": TOOL},
        )
    except anthropic.APIStatusError as error:
        raise _refused(error.status_code) from error
    except anthropic.APIError as error:
        raise LanguageModelError(f"no answer: {type(error).__name__}", soon=True) from error
    used = next((block.input for block in message.content if block.type == "tool_use"), None)
    answer = _object(used, str(message.stop_reason))
    return Reply(answer, message.model, message.usage.input_tokens, message.usage.output_tokens)


def _ask_openai(question: Question, model: str) -> Reply:
    """The schema is that of a structured output: https://platform.openai.com/docs/guides/structured-outputs"""
    try:
        import openai
    except ImportError:
        raise LanguageModelError(INSTALL) from None
    client = openai.OpenAI(timeout=question.deadline_s, max_retries=0)
    try:
        made = client.chat.completions.create(
            model=model,
            max_completion_tokens=question.most_tokens,
            messages=[
                {"role": "developer", "content": question.system},
                {"role": "user", "content": question.document},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": TOOL, "strict": True, "schema": question.schema},
            },
        )
    except openai.APIStatusError as error:
        raise _refused(error.status_code) from error
    except openai.APIError as error:
        raise LanguageModelError(f"no answer: {type(error).__name__}", soon=True) from error
    choice, usage = made.choices[0], made.usage
    try:
        used = json.loads(choice.message.content or "null")
    except ValueError:
        used = None
    answer = _object(used, choice.finish_reason)
    return Reply(
        answer, made.model, usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0
    )


def _object(used: object, ended: str) -> dict[str, Any]:
    if not isinstance(used, dict):
        raise LanguageModelError(f"the answer is no advice (it ended with {ended[:40]!r})")
    return used


def _refused(status: int) -> LanguageModelError:
    """Without the body, which may repeat the key."""
    meanings = {
        401: "the key is not valid",
        403: "the key may not do that",
        404: "no such model",
        429: "too many calls",
    }
    return LanguageModelError(
        f"HTTP {status}: {meanings.get(status, 'refused')}", soon=status == 429 or status >= 500
    )


_CALLS: dict[Provider, Callable[[Question, str], Reply]] = {"anthropic": _ask_claude, "openai": _ask_openai}
