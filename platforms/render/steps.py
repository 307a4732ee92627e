"""What the acts on Render share: whom they are for, and what Render's lists say happened since."""

from dataclasses import dataclass

from platforms.platform import Task
from platforms.render.api import RenderApi
from platforms.render.sighting import Sighting

SKEW_S = 2.0  # by which Render's clock may be behind ours


@dataclass(frozen=True)
class Target:
    """`id` is Render's."""

    task: Task
    id: str
    known: Sighting

    @property
    def name(self) -> str:
        return self.task.service.name

    @property
    def since(self) -> float:
        """When permission was given, by Render's clock."""
        return self.task.begun_at - SKEW_S


async def happened(api: RenderApi, target: Target, kind: str) -> bool:
    """Whether an event of this type came since the act was permitted."""
    events = await api.events(target.id, target.since)
    return any(event.type == kind and event.at >= target.since for event in events)
