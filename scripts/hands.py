"""The hands that touch the world, gathered so that a whole daemon can run on their virtual twins."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from agents.telling.port import Contacts
from config.model import Service
from mlops.hands import ModelHands, NoModels
from platforms.chaos.insides import Insides
from platforms.llm.port import LanguageModel
from platforms.platform import Databases, Infrastructure, MetricsReader, Platform, Prober
from platforms.processes.boots import Boots
from utils.clock import Clock, boot_id
from utils.disk import Disk, Offload
from utils.workers import Workers


async def _nothing() -> None:
    return None


def _not_ours(_: str) -> str:
    return ""


@dataclass
class Hands:
    disk: Disk
    offload: Offload
    platform: Platform
    prober: Prober
    scraper: MetricsReader
    files: Any  # FileKeeper; each agent that uses it states what it needs of it
    reach: Callable[[Service], Infrastructure | None]  # what acts on a service that somebody else runs
    open_clock: Callable[[float], Clock]  # takes the last `at` of the journal: time never goes back
    boot_id: Callable[[], str] = boot_id  # of the machine
    databases: Databases | None = None  # None: declared ones are left alone
    models: ModelHands = field(default_factory=NoModels)
    workers: Workers | None = None  # for heavy work; None: it is not done
    language_model: LanguageModel | None = None  # None: nobody to ask
    contacts: Contacts = field(default_factory=Contacts)  # the ways to people
    close: Callable[[], Awaitable[None]] = _nothing  # what has nothing else to end it
    ailing: Mapping[str, Callable[[], str]] = field(
        default_factory=dict
    )  # what is wrong with what we lean on
    watchers: Mapping[str, Callable[[], Awaitable[None]]] = field(
        default_factory=dict
    )  # run beside the agents
    insides: Insides | None = None  # None: nothing of ourselves is broken on purpose
    ill: Callable[[], AbstractSet[str]] = frozenset  # the services that are not well at this moment
    boots: Boots = field(
        default_factory=Boots
    )  # what stands in the way of the next start of our own children
    hear: Callable[[str], str] = _not_ours  # there is news of an id at its platform: whose it is
