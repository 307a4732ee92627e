"""One call of Render's API over the network; the rest of the package also runs on a wire in memory."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Protocol

import aiohttp
from msgspec import Struct

from platforms.render.failures import LostError

_LONGEST_ANSWER = 16 * 1024 * 1024


class Answer(Struct, frozen=True):
    """Names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire(Protocol):
    async def send(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes | None, timeout_s: float
    ) -> Answer:
        """Raises LostError where no answer came."""
        ...

    async def close(self) -> None: ...


class HttpWire:
    """Connections are kept and reused. The key goes into a header and nowhere else."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {
            "authorization": f"Bearer {key}", "accept": "application/json", "user-agent": "nightwarden",
        }  # fmt: skip
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes | None, timeout_s: float
    ) -> Answer:
        more = {} if body is None else {"content-type": "application/json"}
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._open().request(
                    method, self._url + path, params=list(query), data=body, headers=self._headers | more,
                    allow_redirects=False,
                ) as reply,
            ):  # fmt: skip
                text = await reply.content.read(_LONGEST_ANSWER)
                return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, text)
        except TimeoutError:
            raise LostError(f"no answer within {timeout_s:.0f} s", sent=True) from None
        except (aiohttp.ClientConnectorError, ssl.SSLError) as error:
            raise LostError(f"no connection: {error}", sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise LostError(
                f"the connection broke: {str(error) or type(error).__name__}", sent=True
            ) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Its own deadlines are off: each call has one over everything.
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self._session
