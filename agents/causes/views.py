"""What root-cause analysis knows of one service now, from its declaration, the notes on it and its newest figures."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec.structs import replace

from agents.causes.memory import Notes
from agents.events import ServiceSampled
from analysis.evidence import Peer, View
from analysis.signatures import fresh
from config.model import HttpPlatform, Service


class Usage:
    """The newest figures of one life of a service; a cache."""

    __slots__ = ("at", "cpu_percent", "incarnation", "rss_mib")

    def __init__(self, sample: ServiceSampled) -> None:
        figures = dict(zip(sample.names, sample.values, strict=False))
        self.at, self.incarnation = sample.at, sample.incarnation
        self.rss_mib = figures.get("rss_mib")
        self.cpu_percent = figures.get("cpu_percent")


class Views(Mapping[str, View]):
    """A view of each service, made when it is asked for: most incidents need one or two of a large fleet."""

    def __init__(self, names: Collection[str], view: Callable[[str], View]) -> None:
        self._names = names
        self._view = view
        self._made: dict[str, View] = {}

    def __getitem__(self, name: str) -> View:
        view = self._made.get(name)
        if view is None:
            if name not in self._names:
                raise KeyError(name)
            view = self._made[name] = self._view(name)
        return view

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def view_of(service: Service, notes: Notes, usage: Usage | None) -> View:
    view = View(
        name=service.name,
        is_child=service.is_child,
        is_elsewhere=isinstance(service.platform, HttpPlatform),
        probed=service.probe is not None,
        depends_on=service.depends_on,
        addresses=_addresses(getattr(service.probe, "url", ""), getattr(service.metrics, "url", "")),
        files=tuple(file.path for file in service.files),
        cpu_percent=usage.cpu_percent if usage else None,
        sampled_at=usage.at if usage else 0.0,
        memory_share=_memory_share(service, usage),
    )
    return seen(view, notes)


def seen(view: View, notes: Notes) -> View:
    """The view with what was observed filled in; a trouble that is over is not a symptom."""
    health = notes.now.health if notes.now else "unknown"
    view = replace(
        view,
        health=health,
        incarnation=notes.incarnation,
        started_at=notes.started_at,
        changes=notes.changes,
        damaged=tuple(notes.damaged.items()),
        deviations=notes.deviations,
        ceilings=notes.ceilings,
        alarms=notes.alarms,
    )
    trouble = notes.trouble
    if trouble is None or health == "healthy":
        return view
    boot_words = notes.retried.output if notes.retried else ""
    return replace(
        view,
        symptom=trouble.symptom,
        reason=trouble.reason,
        exit_code=trouble.exit_code,
        signal=trouble.signal,
        status=trouble.status,
        process_state=trouble.process_state,
        text=fresh(f"{trouble.output}\n{boot_words}", notes.told),
        boot_words=fresh(boot_words, notes.told),
        answer=trouble.answer,
        missing=notes.retried.missing if notes.retried else (),
        troubled_at=trouble.at,
        said=notes.said,
        peers=tuple(
            Peer(look.name, look.ok, look.latency_s, look.usual_latency_s, look.reason, look.cpu_percent)
            for look in trouble.dependencies
        ),
    )


def _memory_share(service: Service, usage: Usage | None) -> float | None:
    if usage is None or usage.rss_mib is None or not service.limits.memory_mib:
        return None
    return usage.rss_mib / service.limits.memory_mib


@lru_cache(maxsize=10_000)
def _addresses(*urls: str) -> tuple[str, ...]:
    """HOST:PORT of its probe and metrics, also under the usual names of this machine."""
    found: dict[str, None] = {}
    for url in urls:
        place = urlsplit(url)
        if place.port and place.hostname:
            hosts = (
                ("127.0.0.1", "localhost")
                if place.hostname in ("127.0.0.1", "localhost")
                else (place.hostname,)
            )
            found |= dict.fromkeys(f"{host}:{place.port}" for host in hosts)
    return tuple(found)
