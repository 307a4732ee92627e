"""The books of questions to people: which stand open, how the others ended, what may not be asked again yet."""

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    Fact,
    FixChosen,
    FixStarted,
    IncidentClosed,
)
from agents.gate.ways_back import WaysBack

ENDED_KEPT = 500
ASK_AGAIN_S = 3600.0  # after a question that nobody answered; doubled each time
LONGEST_PAUSE_S = 86400.0


class Asked(Struct, frozen=True, gc=False):
    """An open question. `given` are those who agreed; `complete` once enough did."""

    question: ApprovalRequested
    choice: FixChosen
    given: tuple[str, ...] = ()
    given_at: float = 0.0
    complete: bool = False

    @property
    def id(self) -> str:
        return self.question.id


class EndedQuestion(Struct, frozen=True, gc=False):
    """How a question ended, for whoever presses late."""

    how: str  # "started", "denied", or the `why` of ApprovalExpired
    by: str
    at: float
    incident: str
    choice: FixChosen


class Pause(Struct, frozen=True, gc=False):
    """When an incident may be asked about again; `times` it went unanswered."""

    until: float
    times: int = 0


class Questions(WaysBack):
    """One struct with the other books of the gate, as a snapshot holds one."""

    asked: dict[str, Asked] = field(default_factory=dict)  # by incident: one at a time
    answered: dict[str, EndedQuestion] = field(default_factory=dict)  # by question
    denied: dict[str, str] = field(default_factory=dict)  # by incident and fix: who said no
    pauses: dict[str, Pause] = field(default_factory=dict)  # by incident

    def find(self, about: str) -> Asked | None:
        """The open question with this id, or of the incident with this id."""
        by_id = next((asked for asked in self.asked.values() if asked.id == about), None)
        return by_id or self.asked.get(about)


def key(incident: str, fix: str) -> str:
    return f"{incident} {fix}"


def pause_s(times: int) -> float:
    """
    >>> [pause_s(n) / 3600 for n in (0, 1, 2, 3, 9)]
    [1.0, 2.0, 4.0, 8.0, 24.0]
    """
    return float(min(ASK_AGAIN_S * 2.0 ** min(times, 10), LONGEST_PAUSE_S))


def fold_questions(book: Questions, fact: Fact) -> None:
    match fact:
        case ApprovalRequested():
            book.asked[fact.incident] = Asked(fact, _choice(fact))
        case ApprovalGiven():
            _given(book, fact)
        case ApprovalDenied():
            book.denied[key(fact.incident, fact.fix)] = fact.by
            _end(book, fact.incident, fact.approval, "denied", fact.by, fact.at)
        case ApprovalExpired():
            _expired(book, fact)
        case FixStarted() if fact.approval:
            asked = book.asked.get(fact.incident)
            by = ", ".join(asked.given) if asked else ""
            _end(book, fact.incident, fact.approval, "started", by, fact.at)
        case IncidentClosed():
            _forget(book, fact.incident)
        case _:
            pass


def _choice(question: ApprovalRequested) -> FixChosen:
    return FixChosen(
        at=question.at,
        incident=question.incident,
        service=question.service,
        fix=question.fix,
        cause_name=question.cause_name,
        culprit=question.culprit,
        probability=question.probability,
        why=question.what,
    )


def _given(book: Questions, fact: ApprovalGiven) -> None:
    asked = book.asked.get(fact.incident)
    if asked is not None and asked.id == fact.approval:
        given = (*asked.given, fact.by)
        changed = replace(asked, given=given, given_at=fact.at, complete=fact.missing == 0)
        book.asked[fact.incident] = changed


def _expired(book: Questions, fact: ApprovalExpired) -> None:
    before = book.pauses.get(fact.incident)
    if fact.again_at:
        unanswered = (before.times if before else 0) + (fact.why == "time")
        book.pauses[fact.incident] = Pause(fact.again_at, unanswered)
    _end(book, fact.incident, fact.approval, fact.why, "", fact.at)


def _end(book: Questions, incident: str, approval: str, how: str, by: str, at: float) -> None:
    asked = book.asked.get(incident)
    if asked is None or asked.id != approval:
        return
    del book.asked[incident]
    book.answered[approval] = EndedQuestion(how, by, at, incident, asked.choice)
    while len(book.answered) > ENDED_KEPT:
        del book.answered[next(iter(book.answered))]


def _forget(book: Questions, incident: str) -> None:
    """Its open question ended with an ApprovalExpired of its own."""
    book.pauses.pop(incident, None)
    for known in [known for known in book.denied if known.startswith(f"{incident} ")]:
        del book.denied[known]
