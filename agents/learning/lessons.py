"""What adaptive recovery reads out of its records, each with a sentence for people."""

from collections.abc import Iterator, Sequence

from agents.learning.state import State, guesses_of, of_kind
from agents.lessons import LessonLearned, lesson_key
from analysis.beta import quantile
from analysis.learning import records as books
from analysis.learning.boots import boots, tolerated_s
from analysis.learning.ladder import Guess, Rung
from analysis.learning.relapses import factor
from analysis.learning.strategy import NO_RUNG, Strategy
from config.model import Service
from config.world import World

SAME = 0.2  # a value that changed by a smaller share is no news
CLOSE_LOOK_S = 1.0  # while an incident is open


def lessons(world: World, state: State, service: Service, causes: Sequence[str]) -> Iterator[LessonLearned]:
    """All that is worth doing otherwise than configured, as records stand now."""
    for cause in causes:
        yield from _treatment(world, state, service, cause)
    yield from boot_lesson(world, state, service)
    yield from _verification(world, state, service)


def _treatment(world: World, state: State, service: Service, cause: str) -> Iterator[LessonLearned]:
    limits, key = world.config.learning, books.key_of(service.name, cause)
    harmed = state.harmed.get(key, ())
    guesses = [guess for guess in guesses_of(world, service, cause) if guess.fix not in harmed]
    if not guesses:
        return
    plan = books.plan(
        state.records, service.name, cause, of_kind(world, service), guesses, limits.wait_at_most_s
    )
    if plan.learnt and plan.outcomes >= limits.min_outcomes:
        yield _ladder(state, service, cause, plan, guesses)
    passings = state.records.get(key, books.NOTHING).passings
    if plan.patience_s and len(passings) >= limits.min_outcomes:
        passed = sum(one.passed for one in passings)
        yield LessonLearned(
            service=service.name,
            topic="wait",
            cause_name=cause,
            value=plan.patience_s,
            outcomes=len(passings),
            low=min((one.after_s for one in passings if one.passed), default=0.0),
            high=max((one.after_s for one in passings if one.passed), default=0.0),
            at_most=limits.wait_at_most_s,
            why=f"{passed} of {len(passings)} {cause} faults of {service.name} passed by themselves: to wait for"
            f" {plan.patience_s:.0f} s sees most of those that do",
        )


def _ladder(
    state: State, service: Service, cause: str, plan: Strategy, guesses: Sequence[Guess]
) -> LessonLearned:
    first = plan.order[0]
    guess = next(guess for guess in guesses if guess.fix == first)
    own = state.records.get(books.key_of(service.name, cause), books.NOTHING).rungs.get(first, NO_RUNG)
    low, high = _interval(guess, own)
    here = (
        f"it helped in {own.helped:.1f} of {own.outcomes:.1f} outcomes here"
        if own.outcomes
        else "elsewhere it helped"
    )
    return LessonLearned(
        service=service.name,
        topic="ladder",
        cause_name=cause,
        order=plan.order,
        value=round(plan.promised_s, 2),
        outcomes=round(plan.outcomes, 2),
        low=low,
        high=high,
        at_most=round(plan.usual_s, 2),
        why=f"{cause} of {service.name}: {first} comes before {plan.usual[0] if plan.usual[0] != first else 'others'},"
        f" as {here}; some {plan.promised_s:.0f} s instead of {plan.usual_s:.0f} s are to be expected",
    )


def _interval(guess: Guess, own: Rung) -> tuple[float, float]:
    """Of the share in which the first fix helps."""
    good, bad = own.helped + guess.share, own.failed + 1.0 - guess.share
    return round(quantile(0.05, good, bad), 3), round(quantile(0.95, good, bad), 3)


def boot_lesson(world: World, state: State, service: Service) -> Iterator[LessonLearned]:
    seen, limits = state.boots.get(service.name, ()), world.config.learning
    value = tolerated_s(seen, service.start_timeout_s, limits.boot_at_most_s)
    known = boots(seen)
    if known is None or value <= service.start_timeout_s:
        return
    yield LessonLearned(
        service=service.name,
        topic="boot",
        value=round(value, 2),
        outcomes=known.seen,
        low=round(known.usual_s, 2),
        high=round(known.upper_s, 2),
        at_most=limits.boot_at_most_s,
        why=f"{service.name} usually boots in {known.usual_s:.0f} s, 99 of 100 times in {known.upper_s:.0f} s:"
        f" it is left alone for {value:.0f} s instead of {service.start_timeout_s:g} s",
    )


def _verification(world: World, state: State, service: Service) -> Iterator[LessonLearned]:
    held, limits = state.held.get(service.name, ()), world.config.learning
    if len(held) < limits.min_outcomes or service.probe is None:
        return
    usual_s = world.config.windows.good_probes_to_verify * min(service.probe.interval_s, CLOSE_LOOK_S)
    longer = factor(held, usual_s, limits.verify_at_most)
    if longer <= 1:
        return
    back = [one.for_s for one in held if not one.held]
    yield LessonLearned(
        service=service.name,
        topic="verify",
        value=longer,
        outcomes=len(held),
        low=round(min(back), 2),
        high=round(max(back), 2),
        at_most=limits.verify_at_most,
        why=f"{len(back)} of {len(held)} healings of {service.name} lasted {min(back):.0f} to {max(back):.0f} s:"
        f" it is watched {longer} times as long before it counts as healed",
    )


def news(
    told: dict[str, LessonLearned], now: Sequence[LessonLearned], about: set[str]
) -> list[LessonLearned]:
    """What is to be said: new or changed lessons, and those among `about` that hold no more."""
    current = {lesson_key(one.topic, one.service, one.cause_name): one for one in now}
    said = [one for key, one in current.items() if _differs(told.get(key), one)]
    for key in sorted(about & told.keys() - current.keys()):
        old = told[key]
        why = f"no longer: {old.why}"
        said.append(
            LessonLearned(
                service=old.service, topic=old.topic, cause_name=old.cause_name, dropped=True, why=why
            )
        )
    return said


def keys_about(service: str, causes: Sequence[str]) -> set[str]:
    of_causes = {lesson_key(topic, service, cause) for cause in causes for topic in ("ladder", "wait")}
    return {*of_causes, lesson_key("boot", service), lesson_key("verify", service)}


def _differs(old: LessonLearned | None, new: LessonLearned) -> bool:
    if old is None or old.order != new.order:
        return True
    return new.topic != "ladder" and abs(new.value - old.value) > SAME * old.value
