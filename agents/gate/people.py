"""Asks people where a limit wants their word, and weighs what they answer. Decides; changes nothing."""

from typing import Literal, Protocol

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CommandAnswered,
    Event,
    FixChosen,
    FixRefused,
    FixStarted,
    OperatorCommanded,
)
from agents.gate.books import State
from agents.gate.late import late_answer
from agents.gate.limits import Objection
from agents.gate.plans import plan_of, stale
from agents.gate.questions import Asked, pause_s
from config.consents import may_decide
from config.fixes import Fix
from config.world import World

Why = Literal["time", "plan_changed", "target_changed", "snoozed", "over"]
CONFIRM_S = 60.0  # between the two words of a single person
SNOOZE_S = 1800.0
AGAIN_S = 60.0  # a question whose plan changed comes back no sooner


class Hands(Protocol):
    """What the gate lends."""

    def objection(
        self, state: State, choice: FixChosen, at: float, *, approved: bool
    ) -> Objection | None: ...
    def permit(self, state: State, choice: FixChosen, *, approval: str) -> FixStarted: ...
    def holds_undo(self, state: State, act: FixStarted, at: float) -> Objection | None: ...
    def undo(self, act: FixStarted) -> FixStarted: ...


class People:
    def __init__(self, world: World, hands: "Hands") -> None:
        self._world = world
        self._hands = hands

    # --- asking ---

    def question(self, state: State, choice: FixChosen, why: str, at: float) -> list[Event]:
        """Nothing while this incident is asked about already, or may not be asked about again yet."""
        pause, fix = state.pauses.get(choice.incident), self._world.fixes.get(choice.fix)
        if fix is None or choice.incident in state.asked or (pause is not None and at < pause.until):
            return []
        return [self._ask(state, choice, fix, why, at)]

    def _ask(self, state: State, choice: FixChosen, fix: Fix, why: str, at: float) -> ApprovalRequested:
        approvals, final = self._world.config.approvals, fix.risk == "destructive"
        persons = 2 if final and len(approvals.approvers) > 1 else 1
        return ApprovalRequested(
            at=at,
            incident=choice.incident,
            service=choice.service,
            fix=choice.fix,
            plan=plan_of(self._world, state, choice),
            what=f"{fix.title} ({choice.fix} for {choice.service})",
            why=why,
            probability=choice.probability,
            risk=fix.risk,
            cause_name=choice.cause_name,
            culprit=choice.culprit,
            incarnation=state.incarnations.get(choice.service, ""),
            expires_at=at + approvals.expires_s,
            expires_wall=self._world.unix(at) + approvals.expires_s,
            persons=persons,
            typed=choice.service if final and persons == 1 else "",
        )

    def pass_time(self, state: State, at: float) -> list[Event]:
        """Questions run out; what was agreed to starts when nothing else stands against it."""
        results: list[Event] = []
        for asked in state.asked.values():
            if why := stale(self._world, state, asked, at):
                again_at = at + (pause_s(self._times(state, asked)) if why == "time" else AGAIN_S)
                results.append(_expired(asked, why, again_at))
            elif asked.complete:
                against = self._hands.objection(state, asked.choice, at, approved=True)
                if against is None:
                    results.append(self._hands.permit(state, asked.choice, approval=asked.id))
                elif against.final:
                    results.append(_expired(asked, "over", reason=against.reason))
        return results

    def end(self, state: State, incident: str, reason: str) -> list[Event]:
        asked = state.asked.get(incident)
        return [] if asked is None else [_expired(asked, "over", reason=reason)]

    @staticmethod
    def _times(state: State, asked: Asked) -> int:
        before = state.pauses.get(asked.question.incident)
        return before.times if before else 0

    # --- hearing ---

    def hear(self, state: State, command: OperatorCommanded) -> list[Event]:
        """The facts that follow, a CommandAnswered last."""
        if why := may_decide(self._world.config, command.by):
            return [_no(command, why)]
        if command.command == "undo":
            return self._undo(state, command)
        asked = state.find(command.about)
        if asked is None:
            return self._too_late(state, command)
        if command.command == "deny":
            return self._deny(state, asked, command)
        if command.command == "snooze":
            for_s = command.for_s or SNOOZE_S
            told = f"asked again in {for_s / 60:.0f} minutes if it still stands"
            return [_expired(asked, "snoozed", command.at + for_s), _yes(command, told)]
        return self._approve(state, asked, command)

    def _approve(self, state: State, asked: Asked, command: OperatorCommanded) -> list[Event]:
        if ran_out := stale(self._world, state, asked, command.at):
            return [_expired(asked, ran_out), *self._too_late(state, command, asked)]
        if asked.complete:
            against = self._hands.objection(state, asked.choice, command.at, approved=True)
            waits = f", and waits: {against.reason}" if against else ""
            return [_no(command, f"{' and '.join(asked.given)} agreed already{waits}")]
        if why := _not_a_word(asked, command):
            return [_no(command, why)]
        given = ApprovalGiven(
            incident=asked.question.incident,
            service=asked.question.service,
            approval=asked.id,
            fix=asked.question.fix,
            by=command.by,
            missing=_missing(asked),
            typed=asked.question.typed if not asked.given else "",
        )
        if given.missing:
            return [given, _yes(command, _what_is_missing(asked))]
        return [given, *self._carry_on(state, asked, command)]

    def _carry_on(self, state: State, asked: Asked, command: OperatorCommanded) -> list[Event]:
        against = self._hands.objection(state, asked.choice, command.at, approved=True)
        name = f"{asked.question.fix} of {asked.question.service}"
        if against is None:
            started = self._hands.permit(state, asked.choice, approval=asked.id)
            return [started, _yes(command, f"{name} started")]
        if against.final:
            return [
                _expired(asked, "over", reason=against.reason),
                _no(command, f"not done: {against.reason}"),
            ]
        return [_yes(command, f"agreed; {name} waits: {against.reason}")]

    def _deny(self, state: State, asked: Asked, command: OperatorCommanded) -> list[Event]:
        question = asked.question
        denied = ApprovalDenied(
            incident=question.incident,
            service=question.service,
            approval=asked.id,
            fix=question.fix,
            by=command.by,
        )
        results: list[Event] = [denied]
        pending = state.pending.get(question.incident)
        if pending is not None and pending.choice.fix == question.fix:
            refused = FixRefused(
                incident=question.incident,
                service=question.service,
                fix=question.fix,
                limit="denied",
                reason=f"{command.by} said no",
                final=True,
            )
            results.append(refused)
        return [
            *results,
            _yes(command, f"{question.fix} of {question.service} will not be done in this incident"),
        ]

    def _too_late(self, state: State, command: OperatorCommanded, asked: Asked | None = None) -> list[Event]:
        """Says how the question ended; where the fault still stands, it is asked anew."""
        told = late_answer(state, command, asked)
        if told.choice is None or command.command != "approve":
            return [_no(command, told.text)]
        choice, at = told.choice, command.at
        fix = self._world.fixes.get(choice.fix)
        against = self._hands.objection(state, choice, at, approved=True)
        if fix is None or (against is not None and against.final):
            return [_no(command, f"{told.text}; {against.reason if against else 'there is no such fix now'}")]
        fresh = self._ask(state, choice, fix, "asked anew, as the fault still stands", at)
        return [
            fresh,
            _no(command, f"{told.text}; it was looked at again and still stands: a fresh question is asked"),
        ]

    def _undo(self, state: State, command: OperatorCommanded) -> list[Event]:
        way = state.way_back(command.about)
        if way is None:
            return [_no(command, f"no act that could be taken back is known by {command.about!r}")]
        against = self._hands.holds_undo(state, way.act, command.at)
        if against is not None:
            return [_no(command, f"not now: {against.reason}")]
        started = self._hands.undo(way.act)
        return [started, _yes(command, f"taking {way.act.fix} of {way.act.service} back: {way.words}")]


def _missing(asked: Asked) -> int:
    """Words that are needed after the one that is being said."""
    needed = max(asked.question.persons, 2 if asked.question.typed else 1)
    return needed - len(asked.given) - 1


def _not_a_word(asked: Asked, command: OperatorCommanded) -> str:
    """Why this word does not count."""
    question = asked.question
    if question.persons > 1:
        return "you agreed already; a second person has to agree too" if command.by in asked.given else ""
    if not question.typed or not asked.given:
        return ""
    if command.at - asked.given_at < CONFIRM_S:
        left_s = CONFIRM_S - (command.at - asked.given_at)
        return f"it cannot be undone, so think again: confirm in {left_s:.0f} s by typing {question.typed}"
    return "" if command.typed == question.typed else f"confirm it by typing {question.typed}"


def _what_is_missing(asked: Asked) -> str:
    if asked.question.persons > 1:
        return "one more person has to agree"
    return f"it cannot be undone: confirm after {CONFIRM_S:.0f} s by typing {asked.question.typed}"


def _expired(asked: Asked, why: Why, again_at: float = 0.0, reason: str = "") -> ApprovalExpired:
    question = asked.question
    return ApprovalExpired(
        incident=question.incident,
        service=question.service,
        approval=asked.id,
        fix=question.fix,
        why=why,
        reason=reason,
        again_at=again_at,
    )


def _no(command: OperatorCommanded, text: str) -> CommandAnswered:
    return CommandAnswered(service=command.service, accepted=False, answer=text)


def _yes(command: OperatorCommanded, text: str) -> CommandAnswered:
    return CommandAnswered(service=command.service, accepted=True, answer=text)
