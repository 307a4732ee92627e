"""Acts that could be taken back, and those that must be because they did not help."""

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import Fact, FixApplied, FixFailed, FixStarted, HarmFound, IncidentEscalated

KEPT = 200
WAIT = "wait"  # the fix without hands: it holds no lock, uses up nothing and leaves nothing to take back
BAD_DEPLOY = "bad_deploy"
LEFT_TRACES = ("done", "found_done", "failed")  # one that failed half-way has changed something too


class WayBack(Struct, frozen=True, gc=False):
    """An act with a way back; `words` say what undoing it would do."""

    act: FixStarted
    words: str = ""
    open: bool = False  # it was applied, and has a way back that was not taken
    ill: bool = False  # what it made did not get well, so that it was never seen to work
    suspect: bool = False  # its target ended by itself after it: what the next life does decides


class WaysBack(Struct):
    ways_back: dict[str, WayBack] = field(default_factory=dict)  # by act
    undo_due: dict[str, float] = field(default_factory=dict)  # by act: since when it should be taken back

    def way_back(self, about: str) -> WayBack | None:
        """Of the act with this id, or of the newest act of the incident with this id."""
        ways = [
            way for way in self.ways_back.values() if way.open and about in (way.act.id, way.act.incident)
        ]
        return ways[-1] if ways else None


def fold_ways_back(book: WaysBack, fact: Fact) -> None:
    match fact:
        case FixStarted() if fact.undo_of:
            book.undo_due.pop(fact.undo_of, None)
        case FixStarted() if fact.incident and fact.fix != WAIT:
            book.ways_back[fact.id] = WayBack(fact)
            _bound(book)
        case FixApplied() if fact.undo_of:
            _taken(book, fact)
        case FixApplied():
            _applied(book, fact)
        case FixFailed() if not fact.interrupted:
            _failed(book, fact)
            _doubts_end(book, fact)
        case HarmFound():
            _due(book, fact.act, fact.at)
        case IncidentEscalated():
            _doubts_end(book, fact)
        case _:
            pass


def _applied(book: WaysBack, fact: FixApplied) -> None:
    way = book.ways_back.get(fact.cause)  # a late word about the one before is none about the newest
    if way is None:
        return
    if fact.outcome in LEFT_TRACES and fact.undo_data:
        book.ways_back[way.act.id] = replace(way, words=fact.undo, open=True, ill=fact.outcome == "failed")
    else:
        del book.ways_back[way.act.id]


def _taken(book: WaysBack, fact: FixApplied) -> None:
    """Taken back, or it cannot be: then people have to, and trying again would change nothing."""
    book.ways_back.pop(fact.undo_of, None)


def _failed(book: WaysBack, fact: FixFailed) -> None:
    way = _newest(book, fact.incident, fact.service, fact.fix)
    if way is None or (way.ill and _back_to_the_blamed(way, fact)):
        return
    if fact.suspect and way.open:
        book.ways_back[way.act.id] = replace(way, suspect=True)
    else:
        _due(book, way.act.id, fact.at)


def _doubts_end(book: WaysBack, fact: FixFailed | IncidentEscalated) -> None:
    """What was started after it did not get well either, or nothing more is started."""
    fix = fact.fix if isinstance(fact, FixFailed) else ""
    for way in tuple(book.ways_back.values()):
        of_it = way.suspect and way.act.incident == fact.incident and way.act.fix != fix
        if of_it and not _back_to_the_blamed(way, fact):
            _due(book, way.act.id, fact.at)


def _due(book: WaysBack, act: str, at: float) -> None:
    way = book.ways_back.get(act)
    if way is not None and way.open and way.act.auto_undo:
        book.undo_due[act] = at


def _back_to_the_blamed(way: WayBack, fact: FixFailed | IncidentEscalated) -> bool:
    """A second fault in the earlier release, a spoiled cache say, does not clear the one that evidence speaks against."""
    harmful = isinstance(fact, FixFailed) and fact.harmful and fact.fix == way.act.fix
    return way.act.cause_name == BAD_DEPLOY and not harmful


def _newest(book: WaysBack, incident: str, service: str, fix: str) -> WayBack | None:
    ways = [
        way for way in book.ways_back.values()
        if (way.act.incident, way.act.service, way.act.fix) == (incident, service, fix)
    ]  # fmt: skip
    return ways[-1] if ways else None


def _bound(book: WaysBack) -> None:
    while len(book.ways_back) > KEPT:
        oldest = next(iter(book.ways_back))
        del book.ways_back[oldest]
        book.undo_due.pop(oldest, None)
