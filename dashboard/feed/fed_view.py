"""What a daemon elsewhere told last, as a view; its age is never hidden, and after a minute nothing is called healthy."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from dashboard.coverage import NOTHING
from dashboard.feed.requests import Requests
from dashboard.feed.wire import STALE_S, Asked, Feed, Parts, family
from dashboard.stream import Stream
from dashboard.view import Item
from utils.metrics_collector import Family

LATE_S = 15.0  # longer silent than any pause between two feeds: worth a word
IDS_KEPT = 5000


class SupersededError(Exception):
    """A newer life of the daemon feeds this dashboard."""


class FedView:
    """Implements `View`. Of two daemons that feed at once the newer one counts, while it is heard."""

    def __init__(self, requests: Requests, now: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._now = now
        self._parts: dict[str, Any] = {}
        self._daemon, self._started_at = "", 0.0
        self._ready = False
        self._heard_at = float("-inf")
        self._seen: dict[str, None] = {}
        self.stream = Stream()

    # --- what comes in ---

    def take(self, feed: Feed) -> bool:
        """False: the parts of before are missing here, so everything is needed. Raises SupersededError."""
        if feed.daemon != self._daemon:
            if self.fresh and feed.started_at < self._started_at:
                raise SupersededError
            if not feed.whole:
                return False
            self._parts.clear()
        self._daemon, self._started_at, self._ready = feed.daemon, feed.started_at, feed.ready
        self._heard_at = self._now()
        told = {name: getattr(feed.parts, name) for name in Parts.__struct_fields__}
        self._parts |= {name: part for name, part in told.items() if part is not None}
        for item in feed.stream:
            self._publish(item)
        return True

    def is_current(self, daemon: str) -> bool:
        return daemon == self._daemon

    def _publish(self, item: dict[str, Any]) -> None:
        """Once, though a start of either side tells the last ones again."""
        name = item.get("id", "")
        if name in self._seen:
            return
        if name:
            self._seen[name] = None
            if len(self._seen) > IDS_KEPT:
                del self._seen[next(iter(self._seen))]
        self.stream.publish(item)

    # --- its age ---

    @property
    def age_s(self) -> float:
        return self._now() - self._heard_at

    @property
    def fresh(self) -> bool:
        return self.age_s <= STALE_S

    @property
    def ready(self) -> bool:
        return self._ready and self.fresh

    def waits(self) -> str:
        """Why it is not ready."""
        if not self._daemon:
            return "no daemon has been heard yet: it needs this address in NIGHTWARDEN_DASHBOARD_URL, and the same token"
        if not self.fresh:
            return f"the daemon was last heard {self.age_s:.0f} s ago"
        return "the agents of the daemon are being restored; try again in a moment"

    # --- what is shown ---

    def _list(self, name: str) -> Sequence[Item]:
        found: Sequence[Item] = self._parts.get(name, [])
        return found

    def incidents(self) -> Sequence[Item]:
        return self._list("incidents")

    def incident(self, incident: str) -> Item | None:
        return next((item for item in self.incidents() if item["id"] == incident), None)

    async def report(self, incident: str, form: Literal["html", "md"]) -> str | None:
        """Asked of the daemon, which keeps them. Raises CommandRefusedError where it does not answer."""
        if self.incident(incident) is None:
            return None
        answer = await self._requests.ask(Asked(id="", kind="report", about=incident, typed=form))
        return answer.text if answer.outcome == "said" else None

    def services(self) -> Sequence[Item]:
        told = self._list("services")
        if self.fresh:
            return told
        why = f"the daemon was last heard {self.age_s:.0f} s ago"
        return [
            {**service, "health": "unknown", "reason": f"{why}; then {service['health']}"} for service in told
        ]

    def agents(self) -> Sequence[Item]:
        return self._list("agents")

    def predictions(self) -> Sequence[Item]:
        return self._list("predictions")

    def maintenance(self) -> Sequence[Item]:
        return self._list("maintenance")

    def anomalies(self) -> Sequence[Item]:
        return self._list("anomalies")

    def metrics(self) -> Sequence[Item]:
        return self._list("metrics")

    def traces(self) -> Sequence[Item]:
        return self._list("traces")

    def coverage(self) -> Item:
        found: Item = self._parts.get("coverage", NOTHING)
        return found

    def summary(self) -> Item:
        told = dict(self._parts.get("summary", {}))
        if self.age_s > LATE_S:
            word = f"the daemon was last heard {self.age_s:.0f} s ago: all of this is as old"
            told["notices"] = [word, *told.get("notices", [])]
        if not self.fresh:
            told["overall_health"] = "unknown"
        return told

    def families(self) -> Iterable[Family]:
        """The daemon's own while they are fresh: a scrape must not take old values for new ones."""
        about = "Seconds since the daemon was last heard."
        yield Family(
            name="nightwarden_feed_age_seconds", kind="gauge", help=about, samples=[((), self.age_s)]
        )
        up = float(self.fresh)
        about = "1 while the daemon is heard."
        yield Family(name="nightwarden_feed_up", kind="gauge", help=about, samples=[((), up)])
        if self.fresh:
            yield from map(family, self._parts.get("families", []))

    def subscribe(self, after: str = "", backlog: int = 0) -> AsyncIterator[Item]:
        return self.stream.subscribe(after, backlog)


def read(body: bytes) -> Feed:
    """Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(body, type=Feed)
