"""Shop: quotes prices with the help of the pricing model and keeps orders in a state file."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from examples.service_base import CannotStartError, ServiceBase, UnavailableError, run, setting

CATALOGUE: dict[str, dict[str, float]] = {
    "book": {"cost": 6.0, "weight_kg": 0.4, "demand": 0.7},
    "lamp": {"cost": 19.0, "weight_kg": 1.8, "demand": 0.3},
    "mug": {"cost": 2.5, "weight_kg": 0.35, "demand": 0.9},
}
_KEPT_ORDERS = 200


class Orders:
    """The state file. Always read from disk, replaced atomically, and never written over while it is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            self._write({"next_id": 1, "orders": []})

    def read(self) -> dict[str, Any]:
        try:
            state = dict(json.loads(self.path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise UnavailableError(
                f"state file damaged: {self.path}: {type(error).__name__}: {error}"
            ) from error
        if not (isinstance(state.get("orders"), list) and isinstance(state.get("next_id"), int)):
            raise UnavailableError(f"state file damaged: {self.path}: orders or next_id is missing")
        return state

    def add(self, order: dict[str, Any]) -> dict[str, Any]:
        state = self.read()
        order = {"id": state["next_id"], **order}
        kept = [*state["orders"], order][-_KEPT_ORDERS:]
        self._write({"next_id": order["id"] + 1, "orders": kept})
        return order

    def _write(self, state: dict[str, Any]) -> None:
        written = self.path.with_suffix(".new")
        with written.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.path)


class Shop(ServiceBase):
    name = "shop"
    default_port = 9001

    async def start(self) -> None:
        self.pricing_url = setting("PRICING_URL", "http://127.0.0.1:9002")
        self.patience_s = float(setting("DEPENDENCY_TIMEOUT_S", "0.5"))
        self.release_link = setting("RELEASE_LINK", "")
        self.key = setting("PRICING_KEY", "")
        self.most_at_once = int(setting("MOST_AT_ONCE", "1000"))
        self.under_way = 0
        try:
            self.orders = Orders(Path(setting("STATE_FILE", "examples/var/shop.json")))
        except OSError as error:
            raise CannotStartError(f"state file: {error}") from error
        try:
            self.log.info("release %s", self.release()["version"])
        except (OSError, ValueError, KeyError, TypeError):
            self.log.exception("the release cannot be used")  # requests will say so, until it is put right

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/price", self._price),
            web.get("/orders", self._list_orders),
            web.post("/orders", self._order),
        ]

    def release(self) -> dict[str, Any]:
        """The settings of the release in use; read anew each time, so that a new one counts at once."""
        if not self.release_link:
            return {"version": "built-in", "markup": 0.2}
        return dict(json.loads((Path(self.release_link) / "settings.json").read_bytes()))

    async def quote(self, sku: str) -> dict[str, Any]:
        release = self.release()
        factor = 1.0 + release["markup"]
        await self.faults.maybe_slow()
        await asyncio.sleep(float(release.get("delay_s", 0.0)))
        url = f"{release.get('pricing_url', self.pricing_url)}/predict"
        headers = {"X-Key": str(release.get("pricing_key", self.key))}
        answer = await self.call("POST", url, self.patience_s, json=CATALOGUE[sku], headers=headers)
        return {"sku": sku, "price": round(answer["value"] * factor, 2), "version": release["version"]}

    async def check(self) -> dict[str, Any]:
        """The state file can be read, the release works and pricing answers: a customer would be served."""
        if self.under_way >= self.most_at_once:
            raise UnavailableError(f"overloaded: {self.under_way} of {self.most_at_once} requests at once")
        orders = len(self.orders.read()["orders"])
        quote = await self.quote("book")
        return {"version": quote["version"], "orders": orders}

    async def _price(self, request: web.Request) -> web.Response:
        if self.under_way >= self.most_at_once:
            raise UnavailableError(f"overloaded: {self.under_way} of {self.most_at_once} requests at once")
        self.under_way += 1
        try:
            return web.json_response(await self.quote(_known_sku(request.query.get("sku", ""))))
        finally:
            self.under_way -= 1

    async def _list_orders(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.orders.read()["orders"]})

    async def _order(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            sku, quantity = str(body["sku"]), int(body.get("quantity", 1))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise web.HTTPBadRequest(text='wanted {"sku": text, "quantity": number}') from error
        quote = await self.quote(_known_sku(sku))
        order = self.orders.add({**quote, "quantity": quantity})
        self.log.info("order %d: %d x %s", order["id"], quantity, sku)
        return web.json_response(order, status=201)


def _known_sku(sku: str) -> str:
    if sku not in CATALOGUE:
        raise web.HTTPNotFound(text=f"no such article; there are {', '.join(CATALOGUE)}")
    return sku


if __name__ == "__main__":
    run(Shop)
