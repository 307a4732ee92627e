import asyncio
import io
from collections import deque

from msgspec.structs import replace
from rich.console import Console

from agents.events import Cause
from dashboard.terminal import screen, show
from tests.fixtures.dashboard_world import service, small_world


async def test_without_a_terminal_every_event_is_one_plain_line() -> None:
    view, out = small_world(1e9), io.StringIO()
    event = {
        "id": "1",
        "type": "X",
        "at": "2026-01-02T03:04:05.678Z",
        "service": "shop",
        "text": "shop is down",
    }
    view.stream.publish(event)
    task = asyncio.ensure_future(show(view, out))
    await asyncio.sleep(1)
    view.stream.publish({"id": "", "type": "gap", "missed": 3})
    view.stream.close()
    await task
    assert out.getvalue().splitlines() == [
        "03:04:05.678  shop          shop is down",
        "…             some events were missed here",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_in_a_terminal_the_view_is_drawn_again_and_again_until_the_stream_ends() -> None:
    view, out = small_world(1e9), Terminal()
    task = asyncio.ensure_future(show(view, out))
    await asyncio.sleep(1)
    assert "shop is down" not in out.getvalue()
    event = {
        "id": "1",
        "type": "X",
        "at": "2026-01-02T03:04:05.678Z",
        "service": "shop",
        "text": "shop is down",
    }
    view.stream.publish(event)
    await asyncio.sleep(1)
    assert "shop is down" in out.getvalue()
    view.stream.close()
    await task


async def test_what_stays_in_the_terminal_is_how_it_ended() -> None:
    view, out = small_world(1e9), Terminal()
    task = asyncio.ensure_future(show(view, out))
    await asyncio.sleep(1.1)
    view.service_list = [service("ended-last", "stopped", 1e9)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "ended-last" in out.getvalue()


def test_the_screen_shows_services_open_incidents_and_events_as_plain_text() -> None:
    view = small_world(1e9)
    view.service_list.append(service("[red]odd", "down", 1e9))
    view.notice_list.append("paused by [bold]anna")
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    event = {
        "id": "1",
        "type": "X",
        "at": "2026-01-02T03:04:05.678Z",
        "service": "shop",
        "text": "[bold]told",
    }
    console.print(screen(view, deque([event]), "Nightwarden"))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for wanted in (
        "▲ unhealthy",
        "network_latency of model (86%)",
        "[bold]told",
        "[red]odd",
        "paused by [bold]anna",
        "critical",
        "○ stopped",
    ):
        assert wanted in shown


def test_an_unknown_cause_is_shown_without_a_figure() -> None:
    view = small_world(1e9)
    unknown = Cause("unknown", "shop", 0.0)
    view.stories[0] = replace(view.stories[0], cause=unknown)
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(screen(view, deque(), "Nightwarden"))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "cause unknown" in shown
    assert "0%" not in shown
