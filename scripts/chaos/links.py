"""Scenarios of the network between services, and of services of somebody else."""

import asyncio
import time
from typing import Any

from scripts.chaos.cell import Cell
from scripts.chaos.households import elsewhere, pricing, shop
from scripts.chaos.partner import Partner
from scripts.chaos.proxy import Link, Trouble
from scripts.chaos.scenario import Deed, Scenario

NETWORK, THEIRS = "network", "somebody else's service"
LASTS_S = 14.0


async def linked(cell: Cell) -> None:
    cell.held["link"] = link = Link(cell.ports["link"], cell.ports["pricing"])
    await link.open()


def on_link(trouble: Trouble, delay_s: float = 0.0) -> Deed:
    async def do(cell: Cell) -> None:
        link: Link = cell.held["link"]
        await link.make(trouble, delay_s)
        await asyncio.sleep(LASTS_S)
        await link.make("")
        cell.mendable_at = time.time()

    return do


async def partner_is_there(cell: Cell) -> None:
    cell.held["partner"] = partner = Partner(cell.ports["partner"])
    await partner.up()


def on_partner(what: str) -> Deed:
    async def do(cell: Cell) -> None:
        partner: Partner = cell.held["partner"]
        if what == "away":
            await partner.down()
        partner.status = "500 Internal Server Error" if what == "errors" else "200 OK"
        partner.delay_s = 2.0 if what == "slow" else 0.0
        await asyncio.sleep(LASTS_S)
        partner.status, partner.delay_s = "200 OK", 0.0
        if what == "away":
            await partner.up()
        cell.mendable_at = time.time()

    return do


def over_link(cell: Cell) -> list[dict[str, Any]]:
    """The shop reaches pricing over a link that is declared, as a tunnel or a load balancer would be."""
    link = elsewhere(cell, "link", depends_on=[cell.service("pricing")])
    return [pricing(cell), shop(cell, needs="link"), link]


def with_partner(cell: Cell) -> list[dict[str, Any]]:
    return [shop(cell, needs="partner"), elsewhere(cell, "partner", "/")]


def scenarios() -> list[Scenario]:
    net: dict[str, Any] = {"family": NETWORK, "build": over_link, "prepare": linked, "culprit": "link", "mitigable": False,
                           "spared": ("shop", "pricing", "link")}  # fmt: skip
    theirs: dict[str, Any] = {"family": THEIRS, "build": with_partner, "prepare": partner_is_there, "culprit": "partner",
                              "mitigable": False, "spared": ("shop", "partner")}  # fmt: skip
    slow, lost = ("network_latency",), ("packet_loss", "network_latency")
    return [
        Scenario(name="link-slow", fault="1 s of latency between two healthy services", do=on_link("latency", 1.0),
                 causes=slow, **net),
        Scenario(name="link-silent", fault="everything between two healthy services is lost", do=on_link("silence"),
                 causes=lost, **net),
        Scenario(name="link-reset", fault="connections between two healthy services are reset", do=on_link("reset"),
                 causes=("packet_loss",), **net),
        Scenario(name="link-cut", fault="the way between two healthy services is cut", do=on_link("cut"),
                 causes=("packet_loss", "crash", "dependency_failure"), **net),
        Scenario(name="partner-away", fault="a partner is not there for 14 s", do=on_partner("away"),
                 causes=("crash", "dependency_failure"), **theirs),
        Scenario(name="partner-errors", fault="a partner answers 500 for 14 s", do=on_partner("errors"),
                 causes=("unknown", "dependency_failure"), **theirs),
        Scenario(name="partner-slow", fault="a partner takes 2 s for 14 s", do=on_partner("slow"),
                 causes=("hang", "network_latency", "dependency_failure"), **theirs),
    ]  # fmt: skip
