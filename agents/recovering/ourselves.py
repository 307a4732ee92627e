"""The verb that starts one of our own agents anew, and how it is recognised as already done."""

from collections.abc import Mapping

from agents.agent import AgentRestarter
from config.ourselves import agent_of
from platforms.actions import Order, Verb
from platforms.platform import PlatformError

RESTART_AGENT = "restart_agent"


def restart_agent(agents: AgentRestarter) -> Verb:
    async def restart(order: Order) -> str:
        try:
            await agents.restart(agent_of(order.service.name))
        except LookupError as error:
            raise PlatformError(f"no agent of ours is called {order.service.name}") from error
        except TimeoutError as error:
            raise PlatformError("no new life of it began in time") from error
        return ""

    return restart


def begun_since(agents: AgentRestarter, order: Order) -> Mapping[str, str]:
    """A life that began after the permission, whoever began it, is what the act is for."""
    agent = agent_of(order.service.name)
    return {RESTART_AGENT: ""} if agent and agents.began_at(agent) > order.at else {}
