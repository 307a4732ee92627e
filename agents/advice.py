"""The part of the vocabulary that a language model adds; everybody imports it from agents.events."""

from utils.event import Fact


# --- diagnose: llm_adviser
class AdviceGiven(Fact, frozen=True, kw_only=True):
    """A language model said which of the causes that were found it thinks true. Evidence; alone it starts nothing."""

    cause_name: str = ""
    culprit: str = ""
    fix: str = ""  # that it would try; empty: none
    explanation: str = ""  # for people; untrusted, for it retells what services print
    cites: tuple[str, ...] = ()  # sentences of the evidence that it rests on
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    question: str = ""  # a digest: the same question has the same answer
    problem: str = ""  # why there is no advice, which is no trouble
