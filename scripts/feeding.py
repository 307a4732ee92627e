"""Feeds the dashboard elsewhere that NIGHTWARDEN_DASHBOARD_URL names, for a daemon that nobody can reach."""

import asyncio
import secrets
import time

from aiohttp import ClientSession

from config.settings import Settings
from dashboard.feed.courier import Courier
from dashboard.feed.link import Link
from dashboard.feed.sender import Sender
from dashboard.view import Commands, View


async def feed(view: View, commands: Commands, settings: Settings) -> None:
    """Until cancelled. Nothing of healing waits for it."""
    daemon, started_at = secrets.token_hex(8), time.time()
    async with ClientSession() as session:
        link = Link(settings.nightwarden_dashboard_url, settings.nightwarden_token.reveal(), session)
        sender = Sender(view, link, daemon, started_at)
        async with asyncio.TaskGroup() as tasks:
            for run in (sender.listen, sender.run, Courier(view, commands, link, daemon).run):
                tasks.create_task(run())
