"""The verbs that fixes are made of, and how each is recognised as already done after a crash of ours."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from msgspec import Struct

from config.fixes import Fix
from config.model import Service
from platforms.platform import Files, Platform
from platforms.releases import link_of, point_back, point_forward, pointed_back

START = "start"  # always the last step: it goes on until the service is up
POINT_BACK = "point_release_back"
POINT_FORWARD = "point_release_forward"
WAYS_BACK = {POINT_BACK: POINT_FORWARD}  # what takes a step back; the steps after it come again as they were


class Order(Struct, frozen=True, kw_only=True):
    """What an act wants of one service."""

    service: Service
    mark: str  # the id of the act
    at: float = 0.0  # when permission was given
    incarnation: str = ""  # the life that permission was given for
    good_releases: tuple[str, ...] = ()  # oldest first
    undo_of: str = ""  # the id of the act that is taken back


Verb = Callable[[Order], Awaitable[str]]  # answers how to undo it, or ""


def build_verbs(platform: Platform, files: Files) -> dict[str, Verb]:
    """Every step of application recovery but START, which needs its own patience."""

    async def stop(order: Order) -> str:
        how = order.service.stop
        await platform.stop(order.service.name, signal=how.signal, grace_s=how.grace_s)
        return ""

    async def kill(order: Order) -> str:
        await platform.stop(order.service.name, signal="KILL", grace_s=0.0)
        return ""

    async def point_release_back(order: Order) -> str:
        return point_back(link_of(order.service), order.mark, order.good_releases).undo

    async def point_release_forward(order: Order) -> str:
        return point_forward(link_of(order.service), order.mark, order.undo_of).undo

    async def empty_caches(order: Order) -> str:
        for cache in order.service.caches:
            await files.empty_cache(order.service, cache)
        return ""

    return {
        "stop": stop,
        "kill": kill,
        POINT_BACK: point_release_back,
        POINT_FORWARD: point_release_forward,
        "empty_caches": empty_caches,
    }


def steps_of(fix: Fix, undo_of: str) -> tuple[str, ...]:
    """The steps of the fix, or those that take it back."""
    return tuple(WAYS_BACK.get(step, step) for step in fix.steps) if undo_of else fix.steps


def happened(platform: Platform, order: Order) -> Mapping[str, str]:
    """Steps of this very act that stand in the world already, and how to undo each."""
    found: dict[str, str] = {}
    living = platform.current(order.service.name)
    if living is not None and living.mark == order.mark:
        found = {START: "", "stop": "", "kill": "", "empty_caches": ""}
    elif order.incarnation and (living is None or living.mark != order.incarnation):
        found = {"stop": "", "kill": ""}
    if order.service.release is not None and (noted := pointed_back(link_of(order.service), order.mark)):
        found[POINT_FORWARD if order.undo_of else POINT_BACK] = noted.undo
    return found


def check_steps(fixes: Mapping[str, Fix], agent: str, known: Collection[str]) -> None:
    """A catalogue that asks for what nobody can do must not come into force."""
    for fix in fixes.values():
        for step in fix.steps if fix.agent == agent else ():
            if step not in known:
                raise ValueError(
                    f"fix {fix.name!r} has the step {step!r}, which {agent} does not know; it knows: {', '.join(sorted(known))}"
                )
        if fix.agent == agent and START in fix.steps[:-1]:
            raise ValueError(f"fix {fix.name!r}: {START!r} must be its last step")
