"""The adviser: asks once, within its budgets, and is silent where there is nobody to ask."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.events import AdviceGiven, Cause, CauseFound, IncidentClosed
from agents.llm_adviser import LlmAdviser
from agents.rca_engine import RcaEngine
from analysis.evidence import Scene, View
from analysis.root_cause import rank
from platforms.llm.port import LanguageModelError, Question, Reply
from tests.fixtures.chain import world_of

FOUND = CauseFound(
    id="f1", at=100.0, incident="i1", service="shop",
    best=Cause("bad_deploy", "shop", 0.5, ("a release came 40 s before",)),
    rivals=(Cause("hang", "shop", 0.4, ("it does not answer",)),),
)  # fmt: skip


class Model:
    """A language model that says what it was told to say."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {
            "candidate": "c2",
            "fix": "kill_restart",
            "cites": ["e2"],
            "explanation": "It hangs.",
        } | answer
        self.questions: list[Question] = []
        self.fails: LanguageModelError | None = None

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        if self.fails:
            raise self.fails
        return Reply(self.answer, "model-1", 900, 100)


def adviser(model: Model | None, **settings: Any) -> LlmAdviser:
    return LlmAdviser(world_of({"name": "shop"}, llm=settings), model)


async def told(agent: LlmAdviser, event: CauseFound = FOUND) -> list[AdviceGiven]:
    given = [replace(fact, at=event.at, incident=event.incident) for fact in await agent.handle(event)]
    for fact in given:
        agent.apply(fact)
    return given


async def test_an_answer_becomes_advice_with_its_cost() -> None:
    agent = adviser(Model())
    [advice] = await told(agent)
    assert (advice.cause_name, advice.culprit, advice.fix) == ("hang", "shop", "kill_restart")
    assert (advice.cites, advice.problem) == (("it does not answer",), "")
    assert advice.usd == pytest.approx(900e-6 + 500e-6)
    [spent] = agent.state.spent.values()
    assert (spent.tokens, spent.usd) == (1000, advice.usd)


async def test_nobody_is_asked_without_a_key_without_consent_or_without_evidence() -> None:
    assert await told(adviser(None)) == []
    assert await told(adviser(model := Model(), enabled=False)) == []
    assert await told(adviser(model), replace(FOUND, best=Cause("crash", "shop", 0.9), rivals=())) == []
    assert model.questions == []


async def test_the_same_evidence_is_asked_about_once_and_costs_once() -> None:
    agent = adviser(model := Model())
    await told(agent)
    [again] = await told(agent, replace(FOUND, incident="i2"))
    assert (again.cause_name, again.usd, again.tokens_in) == ("hang", 0.0, 0)
    assert len(model.questions) == 1 and next(iter(agent.state.spent.values())).tokens == 1000


def other(n: int, at: float = 100.0) -> CauseFound:
    return replace(FOUND, at=at, best=Cause("bad_deploy", "shop", 0.5, (f"release {n} came before",)))


async def test_one_incident_is_asked_about_at_most_three_times() -> None:
    agent = adviser(model := Model())
    for n in range(5):
        await told(agent, other(n))
    assert len(model.questions) == 3
    agent.apply(IncidentClosed(incident="i1", outcome="healed"))
    await told(agent, other(7))
    assert len(model.questions) == 4


@pytest.mark.parametrize("budget", [{"tokens_per_day": 4000}, {"usd_per_day": 0.006}])
async def test_a_question_that_could_pass_a_budget_of_the_day_is_not_asked(budget: dict[str, float]) -> None:
    agent = adviser(model := Model(), **budget)
    for n in range(8):
        await told(agent, replace(other(n), incident=f"i{n}"))
    asked = len(model.questions)
    assert 1 <= asked < 8
    await told(agent, replace(other(9, at=100.0 + 86400.0), incident="i9"))
    assert len(model.questions) == asked + 1


async def test_a_model_that_fails_is_left_alone_for_a_while_and_nothing_else_happens() -> None:
    agent = adviser(model := Model())
    model.fails = LanguageModelError("HTTP 529", soon=True)
    for n in range(6):
        [given] = await told(agent, replace(other(n), incident=f"i{n}")) or [None]
        assert given is None or (given.problem == "HTTP 529" and given.cause_name == "")
    assert len(model.questions) == 3
    model.fails = None
    [given] = await told(agent, replace(other(9, at=800.0), incident="i9"))
    assert given is not None and given.cause_name == "hang"


@pytest.mark.parametrize(
    "lie", [{"candidate": "c9"}, {"fix": "delete_everything"}, {"cites": ["e77"]}, {"explanation": ""}]
)
async def test_an_answer_that_obeys_a_log_line_instead_of_the_question_is_set_aside(
    lie: dict[str, Any],
) -> None:
    [given] = await told(adviser(Model(**lie)))
    assert given.problem.startswith("the answer was set aside") and given.cause_name == ""
    assert given.tokens_in == 900  # it was paid for


def scene(advised: tuple[str, str]) -> Scene:
    shop = View(name="shop", health="unhealthy", symptom="timeout", reason="no answer in 0.5 s")
    return Scene(
        now=100.0, service="shop", opened_by="timeout", views={"shop": shop}, suspect_s=900.0, advised=advised
    )


def test_advice_makes_its_cause_more_probable_and_says_so() -> None:
    def of_hang(advised: tuple[str, str]) -> tuple[float, bool]:
        [found] = [ranked for ranked in rank(scene(advised)) if ranked.cause == "hang"]
        return found.confidence, "a language model thinks so too" in found.evidence

    (before, silent), (after, says) = of_hang(("", "")), of_hang(("hang", "shop"))
    assert before < after and (silent, says) == (False, True)


def test_advice_alone_starts_nothing() -> None:
    engine = RcaEngine(world_of({"name": "shop"}))
    advice = AdviceGiven(incident="i1", service="shop", cause_name="hang", culprit="shop")
    assert engine.handle(advice) == ()
    engine.apply(advice)
    assert engine.state.cases == {}
