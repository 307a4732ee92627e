"""Pricing: a small model API. A linear model from a JSON file says what an article is worth."""

import asyncio
import errno
import json
import math
import os
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from examples.service_base import CannotStartError, ServiceBase, UnavailableError, run, setting


class LinearModel:
    """bias + Σ weight · feature."""

    def __init__(self, path: Path) -> None:
        try:
            document = json.loads(path.read_bytes())
            self.version = str(document["version"])
            self.bias = float(document["bias"])
            self.weights = {str(name): float(weight) for name, weight in document["weights"].items()}
            self.sample = {name: float(document["sample"][name]) for name in self.weights}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CannotStartError(f"model file {path}: {type(error).__name__}: {error}") from error

    def predict(self, features: dict[str, float]) -> float:
        return self.bias + sum(weight * features[name] for name, weight in self.weights.items())


class Answers:
    """A cache of answers in a folder with a quota of its own; without a folder there is none."""

    def __init__(self, folder: str, quota_kib: int) -> None:
        self._folder = Path(folder) if folder else None
        self._quota = quota_kib * 1024

    def put(self, name: str, answer: str) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        used = sum(each.stat().st_size for each in self._folder.iterdir())
        if used + len(answer) > self._quota:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
            raise UnavailableError(f"answers cannot be kept: {full}")
        (self._folder / name).write_text(answer)


class Pricing(ServiceBase):
    name = "pricing"
    default_port = 9002

    async def start(self) -> None:
        beside_us = Path(__file__).with_name("pricing_model.json")
        self.model = LinearModel(Path(setting("MODEL_FILE", str(beside_us))))
        self.slowest_s = float(setting("SLOWEST_INFERENCE_S", "0.5"))
        self.key = setting("PRICING_KEY", "")  # who asks has to know it, where there is one
        self.cache = Answers(setting("CACHE_DIR", ""), int(setting("CACHE_KIB", "64")))

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/predict", self._predict)]

    async def infer(self, features: dict[str, float]) -> float:
        await self.faults.maybe_slow()
        return self.model.predict(features)

    async def check(self) -> dict[str, Any]:
        """One real inference, timed; it is given up where it has taken too long already."""
        self.cache.put("check", "{}")
        began = time.perf_counter()
        try:
            value = await asyncio.wait_for(self.infer(self.model.sample), self.slowest_s)
        except TimeoutError:
            raise UnavailableError(f"inference is slow: not done after {self.slowest_s:g} s") from None
        if not math.isfinite(value):
            raise UnavailableError(f"the model answers {value}")
        return {"model": self.model.version, "inference_s": round(time.perf_counter() - began, 6)}

    async def _predict(self, request: web.Request) -> web.Response:
        if self.key and request.headers.get("X-Key") != self.key:
            raise web.HTTPUnauthorized(text="authentication failed: wrong key")
        try:
            body = await request.json()
            features = {name: float(body[name]) for name in self.model.weights}
        except (ValueError, KeyError, TypeError) as error:
            wanted = ", ".join(self.model.weights)
            raise web.HTTPBadRequest(text=f"wanted numbers named {wanted}: {error!r}") from error
        return web.json_response({"value": await self.infer(features), "model": self.model.version})


if __name__ == "__main__":
    run(Pricing)
