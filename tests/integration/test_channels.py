"""The second ways to people, against servers on loopback that take nothing that is wrong."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes

import pytest
from aiohttp import web

from config.mailbox import mailbox
from platforms.channels import Email, Webhook
from tests.fixtures.mail_server import MailServer

SECRET = "a-shared-secret"


class Hook:
    """Keeps what it is sent; answers with `status`."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Hook"]:
        app = web.Application()
        app.router.add_post("/{any:.*}", self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"{site.name}/hook?key=hidden-key"
        try:
            yield self
        finally:
            await runner.cleanup()


async def test_a_webhook_gets_json_that_is_signed() -> None:
    async with Hook().serving() as hook:
        await Webhook(hook.url, SECRET).send("shop: down", "shop: down\nüber <all>", "incident/1")
    [(headers, body)] = hook.requests
    told = json.loads(body)
    assert {**told, "at": 0} == {
        "key": "incident/1",
        "subject": "shop: down",
        "text": "shop: down\nüber <all>",
        "at": 0,
    }
    at, _, found = headers["X-Nightwarden-Signature"].removeprefix("t=").partition(",v1=")
    wanted = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (int(at), found) == (told["at"], wanted)


async def test_without_a_secret_nothing_is_signed() -> None:
    async with Hook().serving() as hook:
        await Webhook(hook.url).send("s", "t", "k")
    assert "X-Nightwarden-Signature" not in hook.requests[0][0]


@pytest.mark.parametrize("status", [302, 400, 429, 500])
async def test_what_a_webhook_does_not_take_is_a_failure_that_keeps_its_address(status: int) -> None:
    async with Hook().serving() as hook:
        hook.status = status
        with pytest.raises(OSError, match=str(status)) as failure:
            await Webhook(hook.url).send("s", "t", "k")
    assert "hidden-key" not in str(failure.value)
    assert len(hook.requests) == 1, "nobody is followed elsewhere with what is secret"


async def test_a_webhook_that_is_not_there_is_a_failure_that_keeps_its_address() -> None:
    async with Hook().serving() as hook:
        pass
    with pytest.raises(OSError, match="could not be reached") as failure:
        await Webhook(hook.url).send("s", "t", "k")
    assert "hidden-key" not in str(failure.value)


async def test_mail_goes_to_everybody_and_no_line_of_it_is_forged() -> None:
    async with MailServer("bot", "pass word/").serving() as server:
        url = f"smtp://bot:pass%20word%2F@127.0.0.1:{server.port}/?to=ann@x.org,bob@x.org&from=bot@x.org"
        await Email(mailbox(url)).send("shop\r\nBcc: eve@x.org", "shop: down\nüber", "incident/1")
    [mail] = server.mails
    read = message_from_bytes(mail.text)
    assert (mail.sender, mail.to) == ("bot@x.org", ("ann@x.org", "bob@x.org"))
    assert (read["Subject"], read["Bcc"]) == ("[nightwarden] shop Bcc: eve@x.org", None)
    assert "über" in read.get_payload(decode=True).decode()  # type: ignore[union-attr]  # it has one part
    assert server.logins == ["bot"]


@pytest.mark.parametrize("answer", ["451 later", "554 never"])
async def test_mail_that_is_not_taken_is_a_failure(answer: str) -> None:
    async with MailServer().serving() as server:
        server.refuse = answer
        with pytest.raises(OSError, match="did not take it"):
            await Email(mailbox(f"smtp://127.0.0.1:{server.port}/?to=ann@x.org")).send("s", "t", "k")


async def test_a_wrong_password_is_a_failure_that_keeps_it() -> None:
    async with MailServer("bot", "right").serving() as server:
        url = f"smtp://bot:wrong-pass@127.0.0.1:{server.port}/?to=ann@x.org"
        with pytest.raises(OSError, match="did not take it") as failure:
            await Email(mailbox(url)).send("s", "t", "k")
    assert "wrong-pass" not in str(failure.value)


async def test_a_mail_server_that_is_not_there_is_a_failure() -> None:
    async with MailServer().serving() as server:
        pass
    with pytest.raises(OSError, match=r".+"):
        await Email(mailbox(f"smtp://127.0.0.1:{server.port}/?to=ann@x.org")).send("s", "t", "k")
