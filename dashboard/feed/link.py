"""The daemon's way to its dashboard elsewhere: one address, one token, and how long to wait after a failure."""

import random
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from dashboard.feed.wire import packed

LONGEST_WAIT_S = 30.0


class NotTakenError(Exception):
    """The dashboard answered, and not with yes."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status}: {why}")
        self.status = status


FAILURES = (ClientError, TimeoutError, OSError, NotTakenError, msgspec.DecodeError)


class Link:
    def __init__(self, url: str, token: str, session: ClientSession) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/msgpack"}
        self._session = session

    async def post(self, path: str, body: bytes, timeout_s: float, *, gzipped: bool = False) -> Any:
        """What was answered. Raises one of FAILURES; a redirect is one, for it would take the token elsewhere."""
        headers = {**self._headers, "Content-Encoding": "gzip"} if gzipped else self._headers
        async with self._session.post(
            self._url + path,
            data=body,
            headers=headers,
            timeout=ClientTimeout(timeout_s),
            allow_redirects=False,
        ) as answer:
            said = await answer.read()
            if answer.status != 200:
                raise NotTakenError(answer.status, said[:200].decode(errors="replace"))
            return msgspec.msgpack.decode(said)

    async def send(self, path: str, message: Any, timeout_s: float) -> Any:
        return await self.post(path, packed(message), timeout_s)


def wait_s(failures: int) -> float:
    """1, 2, 4 ... 30 s, each shortened at random so that many do not come back at once."""
    return min(LONGEST_WAIT_S, 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1.0)
