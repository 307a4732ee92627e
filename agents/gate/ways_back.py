"""Acts that could be taken back, and those that must be because they did not help."""

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import Fact, FixApplied, FixFailed, FixStarted

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
    if way is not None and way.open and way.act.auto_undo and not _back_to_the_blamed(way, fact):
        book.undo_due[way.act.id] = fact.at


def _back_to_the_blamed(way: WayBack, fact: FixFailed) -> bool:
    """A second fault in the earlier release, a spoiled cache say, does not clear the one that evidence speaks against."""
    return way.ill and way.act.cause_name == BAD_DEPLOY and not fact.harmful


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
