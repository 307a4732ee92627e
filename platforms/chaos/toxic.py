"""Faults of a link: toxics on the fault proxy between a service and one that it depends on."""

from typing import Any, Literal

import aiohttp
import msgspec
from msgspec import Struct

from config.model import Link, Service
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan
from platforms.chaos.toxics import parse
from platforms.platform import PlatformError

SPARE_S = 5.0  # the toxic goes by itself so long after it was to be removed
PATIENCE_S = 3.0


class _Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dependency: str = ""  # of the declared links; empty: the first


class _ToxicOptions(_Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    stream: Literal["upstream", "downstream"] = "downstream"
    toxicity: float = 1.0


class LatencyOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    latency: int = 1000  # ms
    jitter: int = 0  # ms


class BandwidthOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rate: int = 1  # kB/s


class SlowCloseOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    delay: int = 1000  # ms


class TimeoutOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    timeout: int = 0  # ms


class SlicerOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    average_size: int = 16  # bytes
    size_variation: int = 8  # bytes
    delay: int = 10_000  # microseconds


class LimitDataOptions(_ToxicOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bytes: int = 64


class OnLink(Plan, frozen=True, kw_only=True):
    dependency: str
    proxy: str
    toxic: dict[str, Any]  # empty: the proxy is switched off
    for_s: float


class _LinkFault(Fault[OnLink, Any]):
    plan_type = OnLink

    def _toxic(self, plan_id: str, options: Any, for_s: float) -> dict[str, Any]:
        raise NotImplementedError

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> OnLink:
        link = _link(self.ground, service, options.dependency)
        toxic = self._toxic(plan_id, options, for_s)
        try:
            status, answer = await _call("GET", link.proxy)
        except PlatformError as error:
            raise FaultRefused(str(error)) from error
        if status != 200:
            raise FaultRefused(f"{link.proxy} answered {status}: {answer}")
        return OnLink(
            id=plan_id, service=service.name, fault=self.name, dependency=link.dependency, proxy=link.proxy,
            toxic=toxic, for_s=for_s,
        )  # fmt: skip


class ToxicFault(_LinkFault):
    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = OPTIONS[name]

    def _toxic(self, plan_id: str, options: Any, for_s: float) -> dict[str, Any]:
        given = msgspec.to_builtins(options)
        asked = {
            "name": f"chaos_{plan_id}",
            "type": self.name,
            "stream": given.pop("stream"),
            "toxicity": given.pop("toxicity"),
            "attributes": {key: value for key, value in given.items() if key != "dependency"},
            "expires_s": for_s + SPARE_S,
        }
        try:
            parse(asked)
        except (ValueError, msgspec.ValidationError) as error:
            raise FaultRefused(f"option of {self.name}: {error}") from error
        return asked

    async def inject(self, plan: OnLink) -> str:
        status, answer = await _call("POST", f"{plan.proxy}/toxics", plan.toxic)
        if status not in {200, 409}:
            raise PlatformError(f"{plan.proxy} answered {status}: {answer}")
        return f"{self.name} between {plan.service} and {plan.dependency}"

    async def undo(self, plan: OnLink) -> str:
        if await self._left(plan) is None:
            return "the proxy is gone, and the toxic with it"
        await _call("DELETE", f"{plan.proxy}/toxics/{plan.toxic['name']}")
        return f"{self.name} removed"

    async def verify(self, plan: OnLink) -> str:
        return f"the toxic {plan.toxic['name']} is still there" if await self._left(plan) else ""

    async def _left(self, plan: OnLink) -> bool | None:
        """None: nobody is there any more who could have it, as it stood in that process alone."""
        try:
            status, _ = await _call("GET", f"{plan.proxy}/toxics/{plan.toxic['name']}")
        except _NobodyError:
            return None
        return status != 404


class DownFault(_LinkFault):
    options = _Options

    def _toxic(self, plan_id: str, options: Any, for_s: float) -> dict[str, Any]:
        del plan_id, options, for_s
        return {}

    async def inject(self, plan: OnLink) -> str:
        await self._switch(plan, enabled=False)
        return f"nobody listens between {plan.service} and {plan.dependency}"

    async def undo(self, plan: OnLink) -> str:
        try:
            await self._switch(plan, enabled=True)
        except _NobodyError:
            return "the proxy is gone; it comes back enabled"
        return f"{plan.service} reaches {plan.dependency} again"

    async def verify(self, plan: OnLink) -> str:
        try:
            status, answer = await _call("GET", plan.proxy)
        except _NobodyError:
            return ""
        is_down = status == 200 and not answer["enabled"]
        return f"{plan.proxy} is still switched off" if is_down else ""

    async def _switch(self, plan: OnLink, *, enabled: bool) -> None:
        status, answer = await _call("POST", plan.proxy, {"enabled": enabled})
        if status not in {200, 404}:
            raise PlatformError(f"{plan.proxy} answered {status}: {answer}")


OPTIONS: dict[str, type[Struct]] = {
    "latency": LatencyOptions,
    "bandwidth": BandwidthOptions,
    "slow_close": SlowCloseOptions,
    "timeout": TimeoutOptions,
    "reset_peer": TimeoutOptions,
    "slicer": SlicerOptions,
    "limit_data": LimitDataOptions,
}


class _NobodyError(PlatformError):
    """Nothing listens where the proxy was."""


def _link(ground: Ground, service: Service, dependency: str) -> Link:
    links = [link for link in ground.config().chaos.links if link.service == service.name]
    chosen = [link for link in links if dependency in ("", link.dependency)]
    if not chosen:
        to = f" to {dependency}" if dependency else ""
        raise FaultRefused(f"no link of {service.name}{to} stands in chaos.links of the configuration")
    return chosen[0]


async def _call(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    timeout = aiohttp.ClientTimeout(PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, json=body) as answer,
        ):
            return answer.status, await answer.json() if "json" in answer.content_type else None
    except aiohttp.ClientConnectorError as error:
        raise _NobodyError(f"the fault proxy at {url} cannot be reached: {error.strerror}") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise PlatformError(f"the fault proxy at {url}: {error}") from error
    except TimeoutError:
        raise PlatformError(f"the fault proxy at {url} gave no answer within {PATIENCE_S:g} s") from None


FAULT = ToxicFault
