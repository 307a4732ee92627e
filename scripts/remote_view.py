"""A view of a daemon elsewhere, fed over HTTP: what the live view in a terminal needs of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from dashboard.view import Item

POLL_S = 0.5


class RemoteView:
    """Holds the newest answers; `run` refreshes them until cancelled."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._services: Sequence[Item] = []
        self._incidents: Sequence[Item] = []
        self._summary: Item = {"overall_health": "unknown"}

    def services(self) -> Sequence[Item]:
        return self._services

    def incidents(self) -> Sequence[Item]:
        return self._incidents

    def summary(self) -> Item:
        return self._summary

    async def get(self, path: str) -> Any:
        """One JSON answer. Raises ClientError or TimeoutError."""
        async with self._session.get(
            self._url + path, timeout=ClientTimeout(5), raise_for_status=True
        ) as answer:
            return await answer.json()

    async def all_items(self, path: str) -> list[Item]:
        """Every page of a list."""
        items: list[Item] = []
        page = await self.get(path)
        while True:
            items += page["items"]
            if not page["next"]:
                return items
            page = await self.get(f"{path}?cursor={page['next']}")

    async def run(self) -> None:
        while True:
            with contextlib.suppress(
                ClientError, TimeoutError
            ):  # a daemon that is busy or gone shows the last answers
                self._services = (await self.get("/observability/services"))["items"]
                self._incidents = (await self.get("/observability/incidents"))["items"]
                self._summary = await self.get("/observability/summary")
            await asyncio.sleep(POLL_S)

    async def subscribe(self, after: str = "", backlog: int = 0) -> AsyncIterator[Item]:
        """Facts as they come; ends when the daemon hangs up."""
        headers = {"Last-Event-ID": after} if after else {}
        url = f"{self._url}/observability/stream?backlog={backlog}"
        with contextlib.suppress(ClientError):
            async with self._session.get(url, headers=headers, timeout=ClientTimeout(None)) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        yield msgspec.json.decode(line[6:])
