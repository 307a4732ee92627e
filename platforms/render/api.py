"""The calls of Render's API that we use, typed."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from platforms.render import shapes
from platforms.render.client import CHANGE_S, READ_S, RenderClient
from platforms.render.failures import RenderError

PAGE = 100
MOST_PAGES = 50
KINDS: dict[str, Any] = {
    "service": shapes.RenderService, "deploy": shapes.Deploy, "event": shapes.RenderEvent, "postgres": shapes.Store,
    "keyValue": shapes.Store,
}  # fmt: skip


class RenderApi:
    """Raises RenderError, a sentence for people."""

    def __init__(self, client: RenderClient) -> None:
        self.client = client

    # --- lists ---

    async def services(self, **filters: str) -> list[shapes.RenderService]:
        return [each async for each in self._pages("/services", "service", **filters)]

    async def postgres(self) -> list[shapes.Store]:
        return [each async for each in self._pages("/postgres", "postgres")]

    async def key_values(self) -> list[shapes.Store]:
        return [each async for each in self._pages("/key-value", "keyValue")]

    async def deploys(
        self, service: str, most: int = 5, *, urgent: bool = False, within_s: float = READ_S
    ) -> list[shapes.Deploy]:
        """The newest first."""
        found, _ = await self._page(
            f"/services/{service}/deploys", "deploy", most, urgent=urgent, within_s=within_s
        )
        return found

    async def events(
        self, service: str, since: float, *, urgent: bool = False, within_s: float = READ_S
    ) -> list[shapes.RenderEvent]:
        """Newest first; at most one page."""
        path, more = f"/services/{service}/events", {"startTime": rfc3339(since)}
        found, _ = await self._page(path, "event", PAGE, urgent=urgent, within_s=within_s, query=more)
        return found

    async def instances(
        self, service: str, *, urgent: bool = False, within_s: float = READ_S
    ) -> list[shapes.Instance]:
        path = f"/services/{service}/instances"
        raw = await self.client.read(path, urgent=urgent, within_s=within_s)
        found: list[shapes.Instance] = _decode(raw, list[shapes.Instance], path)
        return found

    async def logs(self, owner: str, resource: str, most: int = 40) -> list[shapes.LogLine]:
        """The last lines, oldest first."""
        query = [("ownerId", owner), ("resource", resource), ("direction", "backward"), ("limit", str(most))]
        raw = await self.client.read("/logs", query)
        found: shapes.Logs = _decode(raw, shapes.Logs, "/logs")
        return found.logs[::-1]

    async def metrics(
        self, metric: str, resources: list[str], since: float, **more: str
    ) -> list[shapes.Series]:
        query = [*(("resource", each) for each in resources), ("startTime", rfc3339(since)), *more.items()]
        path = f"/metrics/{metric}"
        found: list[shapes.Series] = _decode(await self.client.read(path, query), list[shapes.Series], path)
        return found

    # --- single things ---

    async def service(self, service: str) -> shapes.RenderService:
        path = f"/services/{service}"
        found: shapes.RenderService = _decode(
            await self.client.read(path, urgent=True), shapes.RenderService, path
        )
        return found

    async def postgres_of(self, name: str) -> shapes.Store:
        path = f"/postgres/{name}"
        found: shapes.Store = _decode(await self.client.read(path, urgent=True), shapes.Store, path)
        return found

    # --- changes: those that may be repeated without a look say so ---

    async def restart(self, service: str) -> None:
        await self.client.change("POST", f"/services/{service}/restart")

    async def deploy(self, service: str, commit: str, *, clear_cache: bool = False) -> None:
        """`commit` empty: the newest."""
        body = {"clearCache": "clear" if clear_cache else "do_not_clear"} | (
            {"commitId": commit} if commit else {}
        )
        await self.client.change("POST", f"/services/{service}/deploys", body)

    async def roll_back(self, service: str, deploy: str) -> None:
        await self.client.change("POST", f"/services/{service}/rollback", {"deployId": deploy})

    async def cancel(self, service: str, deploy: str) -> None:
        await self.client.change("POST", f"/services/{service}/deploys/{deploy}/cancel", again=True)

    async def scale(self, service: str, instances: int) -> None:
        await self.client.change(
            "POST", f"/services/{service}/scale", {"numInstances": instances}, again=True
        )

    async def set_auto_deploy(self, service: str, *, on: bool) -> None:
        await self._patch(service, {"autoDeploy": "yes" if on else "no"})

    async def set_plan(self, service: str, plan: str) -> None:
        await self._patch(service, {"serviceDetails": {"plan": plan}})

    async def resume(self, kind: str, name: str) -> None:
        """`kind` is services, postgres or key-value."""
        await self.client.change("POST", f"/{kind}/{name}/resume", again=True)

    async def postgres_act(self, name: str, verb: str) -> None:
        """`verb` is restart or failover."""
        await self.client.change("POST", f"/postgres/{name}/{verb}", within_s=CHANGE_S)

    async def _patch(self, service: str, body: dict[str, Any]) -> None:
        await self.client.change("PATCH", f"/services/{service}", body, again=True)

    # --- pages ---

    async def _pages(self, path: str, name: str, **query: str) -> AsyncIterator[Any]:
        cursor = ""
        for _ in range(MOST_PAGES):
            found, cursor = await self._page(path, name, PAGE, query={**query, "cursor": cursor})
            for each in found:
                yield each
            if len(found) < PAGE or not cursor:
                return

    async def _page(
        self,
        path: str,
        name: str,
        most: int,
        *,
        urgent: bool = False,
        within_s: float = READ_S,
        query: Mapping[str, str] = {},
    ) -> tuple[list[Any], str]:
        pairs = [(key, value) for key, value in {**query, "limit": str(most)}.items() if value]
        raw = await self.client.read(path, pairs, urgent=urgent, within_s=within_s)
        items: list[dict[str, msgspec.Raw]] = _decode(raw, list[dict[str, msgspec.Raw]], path)
        if not items:
            return [], ""
        last = items[-1].get("cursor")
        found = [_decode(bytes(item[name]), KINDS[name], path) for item in items if name in item]
        return found, msgspec.json.decode(last, type=str) if last is not None else ""


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _decode(raw: bytes, kind: Any, path: str) -> Any:
    try:
        return shapes.decode(raw, kind)
    except msgspec.DecodeError as error:
        raise RenderError(f"GET {path}: Render's answer is not what it documents: {error}") from error
