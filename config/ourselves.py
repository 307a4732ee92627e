"""Our own agents as targets of fixes: pseudo services, whose names no configuration can use.

>>> agent_of(own_name("notifier")), agent_of("shop")
('notifier', '')
"""

from config.model import HttpPlatform, Service

CANARY = "canary"  # falls ill on purpose: what happens to it is in no record and teaches nobody
PREFIX = "nightwarden:"  # the colon keeps it apart from every name of a declared service


class OwnAgent(Service, frozen=True, kw_only=True):
    """Nothing starts, stops or probes it but its supervisor."""


def own_name(agent: str) -> str:
    """What an agent is called as a service."""
    return PREFIX + agent


def agent_of(service: str) -> str:
    """The agent that is called so; empty for a service."""
    return service.removeprefix(PREFIX) if service.startswith(PREFIX) else ""


def is_drill(service: str) -> bool:
    """What belongs to the synthetic incident, and to nobody's record.

    >>> is_drill("nightwarden:canary"), is_drill("nightwarden:notifier"), is_drill("canary")
    (True, False, False)
    """
    return service == PREFIX + CANARY


def own_agent(name: str) -> OwnAgent | None:
    """The agent that is called so, as a target."""
    return OwnAgent(name=name, platform=HttpPlatform(url="")) if agent_of(name) else None
