"""What is said of a process that runs."""

from agents.events import ServiceStarted
from config.world import World
from platforms.fleet import section
from platforms.platform import Incarnation


def started(world: World, life: Incarnation) -> ServiceStarted:
    declared = world.config.service(life.service)
    return ServiceStarted(
        service=life.service,
        incarnation=life.mark,
        pid=life.pid,
        adopted=life.adopted,
        section=section(declared) if declared and not life.adopted else "",
    )
