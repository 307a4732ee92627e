"""`nightwarden dashboard`: the page and endpoints alone, fed by a daemon elsewhere."""

import asyncio
import os
import signal
import sys

from config.check import listen_problem
from config.problems import ConfigError
from config.secret import secret_values
from config.settings import Settings, load_settings
from dashboard.feed.fed_view import FedView
from dashboard.feed.reception import fed_app
from dashboard.feed.requests import Requests
from dashboard.observability import serve
from dashboard.view import Desk
from utils.structured_logger import configure

WANTED = "environment: NIGHTWARDEN_TOKEN: must be set, the same as the daemon's: only who has it may feed this page"


def main(listen: str) -> int:
    """0: stopped on demand; 2: bad input, nothing was started."""
    try:
        settings = load_settings(os.environ)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    problem = listen_problem(listen) if settings.nightwarden_token else WANTED
    if problem:
        print(problem, file=sys.stderr)
        return 2
    configure(settings.log_level, secrets=secret_values(os.environ))
    return asyncio.run(_life(settings, listen))


async def _life(settings: Settings, listen: str) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    requests = Requests()
    desk = Desk(token=settings.nightwarden_token.reveal())
    app = fed_app(desk, FedView(requests), requests)
    host, _, port = listen.rpartition(":")
    try:
        http, bound = await serve(desk, host.strip("[]"), int(port), app)
    except OSError as error:  # it was free when we looked
        print(listen_problem(listen) or f"--listen {listen}: {error.strerror or error}", file=sys.stderr)
        return 2
    print(f"page: http://{host}:{bound}/  waiting for a daemon", flush=True)
    try:
        await stop.wait()
    finally:
        await http.cleanup()
    return 0
