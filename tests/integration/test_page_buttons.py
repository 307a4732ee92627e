"""The page in a real browser: buttons appear with a token, which stays in the tab, and what is pressed is said to the gate."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from msgspec.structs import replace

from dashboard.observability import create_app
from dashboard.view import Desk
from tests.fixtures.browser import browser, open_page
from tests.fixtures.dashboard_view import FixtureCommands
from tests.fixtures.dashboard_world import incident, small_world

TOKEN = "correct-horse"
BROWSER = browser()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
SHOWN = "[...document.querySelectorAll('.decide button')].filter(b => b.checkVisibility()).map(b => b.textContent)"
ENTER = """(() => {
  document.querySelector('details.token').open = true;
  const field = document.getElementById('token');
  field.value = %r;
  document.getElementById('token-form').requestSubmit();
  return field.value;
})()"""


class Served:
    def __init__(self, desk: Desk, commands: FixtureCommands) -> None:
        self.desk, self.commands = desk, commands
        self.asked: list[tuple[str, str, str]] = []  # method, path with query, Authorization
        self.url = ""


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    view, commands = small_world(), FixtureCommands()
    asks = incident(
        1,
        view.now,
        id="inc1",
        status="open",
        question="q1",
        asks_for="restart it",
        outcome="",
        closed_at=None,
        acts=(),
    )
    [act] = incident(2, view.now).acts
    back = replace(act, undo="turn it back")
    undoable = incident(2, view.now, id="inc2", status="verifying", outcome="", closed_at=None, acts=(back,))
    view.stories, view.maintenance_list = [asks, undoable], []
    found = Served(Desk(view=view, commands=commands, token=TOKEN), commands)

    @web.middleware
    async def note(request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:  # type: ignore[type-arg]
        found.asked.append((request.method, request.path_qs, request.headers.get("Authorization", "")))
        return await handler(request)  # type: ignore[operator,no-any-return]

    app = create_app(found.desk)
    app.middlewares.append(note)  # type: ignore[arg-type]
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield found
    await runner.cleanup()


async def test_buttons_come_with_a_token_and_say_what_was_pressed(served: Served) -> None:
    assert BROWSER is not None
    async with open_page(BROWSER, served.url) as page:
        await page.until("document.querySelectorAll('.decide').length === 2")
        assert await page.evaluate(SHOWN) == [], "without a token nobody can decide"
        assert await page.evaluate(ENTER % TOKEN) == "", "it does not stay in the field"
        assert await page.evaluate(SHOWN) == ["Approve", "Deny", "Snooze", "Undo"]
        names = "[...document.querySelectorAll('.decide button')].map(b => b.getAttribute('aria-label'))"
        assert (await page.evaluate(names))[0] == "Approve for shop"
        for n, word in ((0, "approve"), (3, "undo")):
            await page.evaluate(f"document.querySelectorAll('.decide button')[{n}].click()")
            said = f"[...document.querySelectorAll('.decide output')].some(o => o.textContent.startsWith('{word} is heard'))"
            await page.until(said)
        assert served.commands.told == [("approve", "inc1", "api"), ("undo", "inc2", "api")]
        kept = await page.evaluate(
            "[location.href, JSON.stringify(localStorage), document.cookie, sessionStorage.length]"
        )
        assert kept == [served.url, "{}", "", 1]
        await page.call("Page.reload")
        await page.until(f"({SHOWN}).length === 4")
        await page.evaluate("document.getElementById('token-forget').click()")
        assert await page.evaluate(SHOWN) == []
        assert await page.evaluate("sessionStorage.length") == 0
    posts = [asked for asked in served.asked if asked[0] == "POST"]
    assert {bearer for _, _, bearer in posts} == {f"Bearer {TOKEN}"}
    assert not [path for _, path, _ in served.asked if TOKEN in path]
    assert not [bearer for method, _, bearer in served.asked if method == "GET" and bearer]


async def test_a_wrong_token_is_forgotten_and_said(served: Served) -> None:
    assert BROWSER is not None
    async with open_page(BROWSER, served.url) as page:
        await page.until("document.querySelectorAll('.decide').length === 2")
        await page.evaluate(ENTER % "wrong")
        await page.evaluate("document.querySelector('.decide button').click()")
        await page.until(
            "document.getElementById('token-said').checkVisibility() && document.getElementById('token-said').textContent.includes('Bearer')"
        )
        assert await page.evaluate(SHOWN) == []
    assert served.commands.told == []


async def test_a_plan_of_maintenance_is_vetoed_on_the_page(served: Served) -> None:
    assert BROWSER is not None
    planned = small_world().maintenance_list
    assert served.desk.view is not None
    served.desk.view.maintenance_list = planned  # type: ignore[attr-defined]  # the fixture's own
    async with open_page(BROWSER, served.url) as page:
        veto = "document.querySelector('#planned .decide button')"
        await page.until(f"{veto} !== null")
        assert await page.evaluate("document.getElementById('planned-section').hidden") is False
        await page.evaluate(ENTER % TOKEN)
        await page.evaluate(f"{veto}.click()")
        await page.until(
            "document.querySelector('#planned .decide output').textContent.startsWith('veto is heard')"
        )
    assert served.commands.told == [("veto", planned[0]["id"], "api")]
