"""What a late word hears: how its question ended, and whether the fault that it was about still stands."""

from msgspec import Struct

from agents.events import FixChosen, OperatorCommanded
from agents.gate.books import State
from agents.gate.questions import Asked, EndedQuestion

HOW = {
    "time": "nobody answered in time",
    "plan_changed": "the plan has changed since",
    "target_changed": "the service is in another life now",
    "snoozed": "it was put off",
    "over": "it was over",
}
UNSEEN = ("file_damaged", "failure_predicted", "alert")  # symptoms that no health tells


class Late(Struct, frozen=True):
    """`choice` where it could be asked about anew."""

    text: str
    choice: FixChosen | None = None


def late_answer(state: State, command: OperatorCommanded, asked: Asked | None) -> Late:
    """`asked` where the question has run out just now."""
    ended = state.answered.get(command.about) or _of_incident(state, command.about)
    if asked is not None:
        return _again(state, asked.choice, "too late: that question has run out")
    if ended is None:
        return Late(f"no question is known by {command.about!r}")
    name = f"{ended.choice.fix} of {ended.choice.service}"
    if ended.how == "started":
        return Late(f"{ended.by} agreed before you, and {name} was started")
    if ended.how == "denied":
        return Late(f"{ended.by} said no to {name}")
    if ended.incident in state.asked:
        return Late(f"too late: {HOW[ended.how]}; a newer question stands")
    return _again(state, ended.choice, f"too late: {HOW[ended.how]}")


def _of_incident(state: State, incident: str) -> EndedQuestion | None:
    return next((ended for ended in reversed(state.answered.values()) if ended.incident == incident), None)


def _again(state: State, choice: FixChosen, text: str) -> Late:
    case = state.cases.get(choice.incident)
    if case is None:
        return Late(f"{text}; its incident is over, nothing is to be done")
    if case.symptom not in UNSEEN and choice.service not in state.ill and choice.culprit not in state.ill:
        return Late(f"{text}; {choice.service} is healthy again, nothing is to be done")
    return Late(text, choice)
