"""What outcomes are kept, by service and cause, and what is read out of them; tables hold frozen values."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from analysis.learning.ladder import Guess, Rung, aged, pooled, rung, spared, taken_back
from analysis.learning.strategy import NO_RUNG, WAIT, Strategy, strategy
from analysis.learning.waiting import Passing, noted

OTHERS = 8  # of the newest passings elsewhere are worth a look


class Record(Struct, frozen=True, omit_defaults=True):
    rungs: dict[str, Rung] = {}  # by fix
    passings: tuple[Passing, ...] = ()


Records = MutableMapping[str, Record]
NOTHING = Record()


def key_of(service: str, cause: str) -> str:
    """
    >>> key_of("shop", "hang")
    'shop/hang'
    """
    return f"{service}/{cause}"


def ended(
    records: Records, key: str, tries: Sequence[tuple[str, bool, float]], *, may_pass: bool = True
) -> None:
    """One incident is over: (fix, helped, seconds) of each try in order. What is dead does not pass by itself."""
    since_s, acted = 0.0, not may_pass
    for fix, helped, seconds in tries:
        if fix == WAIT:
            passed(records, key, since_s + seconds, by_itself=helped)
            acted = True
        else:
            if not acted:
                passed(records, key, since_s, by_itself=False)
                acted = True
            tried(records, key, fix, helped=helped, seconds=seconds)
        since_s += seconds
    done = {fix for fix, *_ in tries}
    if tries and tries[-1][1]:
        for fix in records.get(key, NOTHING).rungs:
            if fix not in done:
                _changed(records, key, fix, spared)


def tried(records: Records, key: str, fix: str, *, helped: bool, seconds: float) -> None:
    _changed(records, key, fix, lambda known: rung(known, helped=helped, seconds=seconds))


def relapsed(records: Records, key: str, fix: str, seconds: float) -> None:
    """What counted as a success was none."""
    _changed(records, key, fix, lambda known: taken_back(known, seconds))


def passed(records: Records, key: str, after_s: float, *, by_itself: bool) -> None:
    known = records.get(key, NOTHING)
    records[key] = replace(known, passings=noted(known.passings, Passing(after_s, by_itself)))


def age(records: Records, service: str, kept: float) -> None:
    """There is a new release of it: what was learnt about the last one counts less."""
    for key in [key for key in records if key.startswith(key_of(service, ""))]:
        known = records[key]
        rungs = {fix: aged(one, kept) for fix, one in known.rungs.items()}
        half = known.passings[len(known.passings) // 2 :]
        records[key] = Record(rungs, half)


def plan(
    records: Mapping[str, Record],
    service: str,
    cause: str,
    alike: Iterable[str],
    guesses: Sequence[Guess],
    longest_s: float,
) -> Strategy:
    """`alike` are other services whose outcomes say something about this one."""
    own = records.get(key_of(service, cause), NOTHING)
    others = [known for name in alike if name != service and (known := records.get(key_of(name, cause)))]
    elsewhere = {
        guess.fix: pooled([one for known in others if (one := known.rungs.get(guess.fix))])
        for guess in guesses
    }
    theirs = [one for known in others for one in known.passings[-OTHERS:]]
    return strategy(guesses, own.rungs, elsewhere, [*theirs[-OTHERS:], *own.passings], longest_s)


def _changed(records: Records, key: str, fix: str, change: Callable[[Rung], Rung]) -> None:
    known = records.get(key, NOTHING)
    records[key] = replace(known, rungs={**known.rungs, fix: change(known.rungs.get(fix, NO_RUNG))})
