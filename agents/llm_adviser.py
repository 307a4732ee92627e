"""LLM adviser: has a language model explain an incident and choose among the causes that were found. Never waited for.

Without a key, over budget, or when the model fails, everything else works as if this agent were not there.
"""

import hashlib

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from agents.agent import Results, Traits
from agents.events import AdviceGiven, CauseFound, Event, IncidentClosed
from analysis.advice import SYSTEM, AdviceError, Candidate, Inquiry
from config.on_llm import Llm
from config.world import World
from platforms.llm.port import LanguageModel, LanguageModelError, Question, Reply
from utils.alone import run_alone

log = structlog.get_logger()
DAY_S = 86400.0
MOST_PER_INCIDENT = 3
MOST_REMEMBERED = 200
MOST_FIXES = 12
CHARS_PER_TOKEN = 3.0  # low, so that a question is rather thought dearer than it is
FAILURES, REST_S = 3, 600.0  # so many in a row, and it is left alone for so long


class Spent(Struct, frozen=True):
    """On one day."""

    tokens: int = 0
    usd: float = 0.0


class State(Struct):
    known: dict[str, AdviceGiven] = field(default_factory=dict)  # by question
    asked: dict[str, int] = field(default_factory=dict)  # by incident
    spent: dict[str, Spent] = field(default_factory=dict)  # by day: the last one only


class LlmAdviser:
    name = "llm_adviser"
    consumes: tuple[type[Event], ...] = (CauseFound, IncidentClosed)
    emits: tuple[type[Event], ...] = (AdviceGiven,)
    traits = Traits(waits_for_disk=True, optional=True, workers=2, deadline_s=180.0)

    def __init__(self, world: World, model: LanguageModel | None) -> None:
        self.world = world
        self.state = State()
        self._model = model
        self._failures = 0
        self._rest_until = 0.0

    async def handle(self, event: Event) -> Results:
        if self._model is None or not self.world.config.llm.enabled or not isinstance(event, CauseFound):
            return ()
        inquiry = self._inquiry(event)
        if not any(candidate.evidence for candidate in inquiry.candidates):
            return ()
        key = hashlib.sha256(f"{self._settings.model} {inquiry.document()}".encode()).hexdigest()[:32]
        if known := self.state.known.get(key):
            return [_again(known)]
        question = self._question(inquiry)
        if why := self._held_back(event, question):
            log.debug("llm_not_asked", incident=event.incident, why=why)
            return ()
        return [await self._ask(self._model, inquiry, question, key, event.at)]

    def apply(self, fact: Event) -> None:
        if isinstance(fact, IncidentClosed):
            self.state.asked.pop(fact.incident, None)
        elif isinstance(fact, AdviceGiven) and (fact.tokens_in or fact.problem):
            self.state.asked[fact.incident] = self.state.asked.get(fact.incident, 0) + 1
            if len(self.state.asked) > MOST_REMEMBERED:
                del self.state.asked[next(iter(self.state.asked))]
            before, day = self._spent(fact.at), _day(fact.at)
            tokens = before.tokens + fact.tokens_in + fact.tokens_out
            self.state.spent = {day: Spent(tokens, before.usd + fact.usd)}
            if not fact.problem:
                self.state.known[fact.question] = fact
                if len(self.state.known) > MOST_REMEMBERED:
                    del self.state.known[next(iter(self.state.known))]

    @property
    def _settings(self) -> Llm:
        return self.world.config.llm

    def _inquiry(self, found: CauseFound) -> Inquiry:
        causes = (found.best, *found.rivals)
        services = {cause.service for cause in causes} | {found.service}
        targets = [target for name in services if (target := self.world.target(name)) is not None]
        names = {cause.name for cause in causes}
        fixes = [
            (fix.name, fix.title)
            for fix in self.world.fixes.values()
            if names.intersection(fix.cures) and any(fix.applies_to(target) for target in targets)
        ]
        candidates = tuple(Candidate(c.name, c.service, c.confidence, c.evidence) for c in causes)
        return Inquiry(found.service, candidates, tuple(fixes[:MOST_FIXES]))

    def _question(self, inquiry: Inquiry) -> Question:
        told = self._settings
        return Question(
            SYSTEM, inquiry.document(), inquiry.schema(),
            model=told.model, most_tokens=told.answer_tokens, deadline_s=told.deadline_s,
        )  # fmt: skip

    def _held_back(self, event: Event, question: Question) -> str:
        """Why it is not asked, counted by what it may cost at most."""
        told, spent = self._settings, self._spent(event.at)
        length = len(question.system) + len(question.document) + len(str(question.schema))
        tokens_in = round(length / CHARS_PER_TOKEN)
        if event.at < self._rest_until:
            return "it failed several times in a row"
        if self.state.asked.get(event.incident, 0) >= MOST_PER_INCIDENT:
            return "enough was asked about this incident"
        if spent.tokens + tokens_in + told.answer_tokens > told.tokens_per_day:
            return "the tokens of the day are used up"
        if spent.usd + self._usd(tokens_in, told.answer_tokens) > told.usd_per_day:
            return "the money of the day is spent"
        return ""

    async def _ask(
        self, model: LanguageModel, inquiry: Inquiry, question: Question, key: str, at: float
    ) -> AdviceGiven:
        try:
            reply = await model.ask(question)
        except LanguageModelError as error:
            self._failures += 1
            if self._failures >= FAILURES or not error.soon:
                self._rest_until, self._failures = at + REST_S, 0
            log.warning("llm_failed", error=str(error))
            return AdviceGiven(question=key, problem=str(error))
        self._failures = 0
        return self._read(inquiry, reply, key)

    def _read(self, inquiry: Inquiry, reply: Reply, key: str) -> AdviceGiven:
        usd = self._usd(reply.tokens_in, reply.tokens_out)
        given = AdviceGiven(
            model=reply.model[:80], tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, usd=usd, question=key
        )  # fmt: skip
        try:
            advice = inquiry.read(reply.answer)
        except AdviceError as error:
            return replace(given, problem=f"the answer was set aside: {error}")
        return replace(
            given, cause_name=advice.cause, culprit=advice.service, fix=advice.fix,
            explanation=advice.explanation, cites=advice.cites,
        )  # fmt: skip

    def _usd(self, tokens_in: int, tokens_out: int) -> float:
        told = self._settings
        spent = tokens_in * told.usd_per_million_tokens_in + tokens_out * told.usd_per_million_tokens_out
        return spent / 1e6

    def _spent(self, at: float) -> Spent:
        return self.state.spent.get(_day(at), Spent())


def _day(at: float) -> str:
    return str(int(at // DAY_S))


def _again(known: AdviceGiven) -> AdviceGiven:
    """The same answer to the same question, which costs nothing; the runner stamps it anew."""
    return AdviceGiven(
        cause_name=known.cause_name, culprit=known.culprit, fix=known.fix, explanation=known.explanation,
        cites=known.cites, model=known.model, question=known.question,
    )  # fmt: skip


if __name__ == "__main__":
    run_alone(__file__)
