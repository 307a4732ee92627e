"""A language model behind worker processes: nothing of it is ever loaded into the daemon, and no secret reaches it."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from platforms.llm.calling import call
from platforms.llm.port import LanguageModelError, Provider, Question, Reply
from utils.workers import WorkerError, Workers

STARTING_S = 15.0  # of the worker, on a busy machine


class WorkerLanguageModel:
    """Implements LanguageModel. `redact` takes secrets out of what is sent, and out of what comes back."""

    def __init__(self, workers: Workers, provider: Provider, redact: Callable[[str], str]) -> None:
        self._workers = workers
        self._provider = provider
        self._redact = redact

    async def ask(self, question: Question) -> Reply:
        clean = replace(question, document=self._redact(question.document))
        try:
            reply = await self._workers.run(call, question.deadline_s + STARTING_S, self._provider, clean)
        except WorkerError as error:
            raise LanguageModelError(" ".join(self._redact(str(error)).split())[:200], soon=True) from error
        return replace(reply, answer={key: self._inner(value) for key, value in reply.answer.items()})

    def _inner(self, value: Any) -> Any:
        return self._redact(value) if isinstance(value, str) else value
