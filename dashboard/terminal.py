"""The live view in the terminal: services, open incidents and the last events; plain lines where there is no terminal."""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from dashboard.view import Item, View

EVENTS_SHOWN = 12
REFRESH_S = 0.25
ENDED = frozenset({"closed", "withdrawn"})
STYLES = {
    "healthy": ("●", "green"),
    "starting": ("◐", "yellow"),
    "unhealthy": ("▲", "red"),
    "down": ("▼", "red"),
    "stopped": ("○", "dim"),
    "unknown": ("?", "dim"),
}


async def show(view: View, out: TextIO | None = None, title: str = "Nightwarden") -> None:
    """Until the stream of events ends or this is cancelled."""
    out = out or sys.stdout
    if out.isatty():
        await _live(view, out, title)
    else:
        await _plain(view, lambda line: print(line, file=out, flush=True))


async def _plain(view: View, say: Callable[[str], None]) -> None:
    async for event in view.subscribe(backlog=100):
        say(line_of(event))


def line_of(event: Item) -> str:
    """One event as one line.

    >>> line_of({"type": "X", "at": "2026-01-02T03:04:05.678Z", "service": "shop", "text": "shop is down"})
    '03:04:05.678  shop          shop is down'
    """
    if event["type"] == "gap":
        return "…             some events were missed here"
    return f"{event['at'][11:23]}  {event['service'] or '-':<12}  {event['text']}"


async def _live(view: View, out: TextIO, title: str) -> None:
    from rich.console import Console  # only where it is shown
    from rich.live import Live

    console = Console(file=out)
    last: deque[Item] = deque(maxlen=EVENTS_SHOWN)
    reader = asyncio.ensure_future(_collect(view, last))
    try:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            try:
                while not reader.done():
                    live.update(screen(view, last, title), refresh=True)
                    await asyncio.wait({reader}, timeout=REFRESH_S)
            finally:  # what stays in the terminal is how it ended
                live.update(screen(view, last, title), refresh=True)
    finally:
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader


async def _collect(view: View, last: deque[Item]) -> None:
    async for event in view.subscribe(backlog=EVENTS_SHOWN):
        last.append(event)


def screen(view: View, last: deque[Item], title: str) -> Any:
    """What the terminal shows now. Text of services is shown as text, never as markup."""
    from rich.console import Group
    from rich.text import Text

    summary = view.summary()
    head = Text.assemble((title, "bold"), "  ", str(summary["overall_health"]))
    notices = [Text(line, "yellow") for line in summary.get("notices", ())]
    unended = [incident for incident in view.incidents()[:100] if incident["status"] not in ENDED]
    parts = [head, *notices, _services(view.services()), Text()]
    parts += [_incident(incident) for incident in unended] or [Text("no open incident", "dim")]
    return Group(*parts, Text(), *[Text(line_of(event), no_wrap=True, overflow="ellipsis") for event in last])


def _services(services: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("service", "health", "cpu", "memory", "what"):
        table.add_column(name, justify="right" if name in {"cpu", "memory"} else "left", no_wrap=True)
    for service in services:
        mark, style = STYLES.get(service["health"], ("?", "dim"))
        cpu, rss = service.get("cpu_percent"), service.get("rss_mib")
        table.add_row(
            Text(service["name"]),
            Text(f"{mark} {service['health']}", style),
            "" if cpu is None else f"{cpu:.1f} %",
            "" if rss is None else f"{rss:.0f} MiB",
            Text(service.get("reason") or "", "dim", overflow="ellipsis"),
        )
    return table


def _why(cause: Item | None) -> str:
    if cause is None:
        return "looking for the cause"
    if cause["name"] == "unknown":
        return "cause unknown"
    return f"{cause['name']} of {cause['service']} ({cause['confidence']:.0%})"


def _incident(incident: Item) -> Any:
    from rich.text import Text

    why = _why(incident["cause"])
    return Text.assemble(
        (f"{incident['service']}  ", "bold"),
        (incident["status"], "yellow"),
        f"  {why}  ",
        (incident["message"], "dim"),
    )
