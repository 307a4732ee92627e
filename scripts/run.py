"""`nightwarden run`: one process life of the daemon, from its checks to its exit code."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config.check import listen_problem, state_problem
from config.fixes import load_fixes
from config.loader import load
from config.model import Config
from config.problems import ConfigError
from config.secret import secret_values
from config.settings import Settings, load_settings
from config.world import World
from utils.interpreter import hurry, settle
from utils.structured_logger import configure, get_logger

if TYPE_CHECKING:
    from scripts.daemon import Daemon

log = get_logger("run")
LOOK_AT_FILE_S = 1.0
WARM_S = 30.0  # by then agents have imported what they load with their first sample


def main(config_path: Path, state_dir: Path, listen: str, *, dry_run: bool = False, only: str = "") -> int:
    """0: stopped on demand; 1: gave up; 2: bad input, nothing was started."""
    hurry()
    try:
        config, settings = _inputs(config_path, state_dir, listen)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    sink = configure(
        settings.log_level, file=state_dir / "nightwarden.log", secrets=secret_values(os.environ)
    )
    world = World(config=config, fixes=load_fixes(), state_dir=state_dir, dry_run=dry_run)
    try:
        return asyncio.run(_life(world, settings, config_path, listen, only))
    finally:
        sink.out.flush()


def _inputs(config_path: Path, state_dir: Path, listen: str) -> tuple[Config, Settings]:
    problems: list[str] = []
    config, settings = Config(), Settings()
    try:
        config = load(config_path, os.environ)
    except ConfigError as error:
        problems += error.problems
    try:
        settings = load_settings(os.environ)
    except ConfigError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    if settings.nightwarden_database_url and find_spec("psycopg") is None:
        problems.append('environment: NIGHTWARDEN_DATABASE_URL needs psycopg: install the extra "postgres"')
    problems += [problem for problem in (listen_problem(listen), state_problem(state_dir)) if problem]
    if problems:
        raise ConfigError(problems)
    return config, settings


async def _life(world: World, settings: Settings, config_path: Path, listen: str, only: str) -> int:
    from dashboard.observability import serve
    from dashboard.view import Desk

    signals = _Signals()
    desk = Desk(
        token=settings.nightwarden_token.reveal(),
        alertmanager_secret=settings.alertmanager_webhook_secret.reveal(),
        render_secret=settings.render_webhook_secret.reveal(),
    )
    host, _, port = listen.rpartition(":")
    try:
        http, bound = await serve(desk, host.strip("[]"), int(port))
    except OSError as error:  # it was free when we looked
        print(listen_problem(listen) or f"--listen {listen}: {error.strerror or error}", file=sys.stderr)
        return 2
    try:
        from utils.state_lock import FolderInUseError

        assembled = await asyncio.to_thread(_assembly)  # /health answers while all the rest is imported
        try:
            async with assembled(world, settings, desk, only=only) as daemon:
                dry = "dry run: nothing is done, only said; " if world.dry_run else ""
                print(f"{dry}page: http://{host}:{bound}/  state and log: {world.state_dir}/", flush=True)
                settle()
                asyncio.get_running_loop().call_later(WARM_S, settle)
                return await _until_stopped(daemon, config_path, signals)
        except FolderInUseError as busy:
            print(f"--state {busy}", file=sys.stderr)
            return 2
    finally:
        await http.cleanup()


def _assembly() -> Callable[..., AbstractAsyncContextManager["Daemon"]]:
    from scripts.assembly import assembled

    return assembled


class _Signals:
    """Heard from the very start, so that one that comes while agents are being restored is not deadly."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)


async def _until_stopped(daemon: "Daemon", config_path: Path, signals: _Signals) -> int:
    from agents.supervisor import RestartLimitError

    if signals.stop.is_set():
        return 0
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop)
    watch = asyncio.create_task(_reload_on_change(daemon, config_path, signals.reload))
    try:
        await daemon.run()
    except RestartLimitError as error:
        log.critical("gave_up", error=str(error))
        print(f"nightwarden gave up: {error}; the platform may start it again", file=sys.stderr)
        return 1
    finally:
        watch.cancel()
    return 0


async def _reload_on_change(daemon: "Daemon", path: Path, asked: asyncio.Event) -> None:
    """At SIGHUP, or when the file is another one than before."""
    seen = _stamp(path)
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AT_FILE_S):
                await asked.wait()
        now = _stamp(path)
        if asked.is_set() or (now != seen and now is not None):
            asked.clear()
            seen = now
            _reload(daemon, path)


def _reload(daemon: "Daemon", path: Path) -> None:
    try:
        new = load(path, os.environ)
    except ConfigError as error:
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone: facts and log tell it
            for problem in error.problems:
                print(f"not reloaded: {problem}", file=sys.stderr, flush=True)
        daemon.refuse("; ".join(error.problems))
    except Exception as error:  # whatever a file may hold, the next one has to be read again
        log.exception("reload_failed", file=str(path))
        daemon.refuse(f"{path}: {error!r}")
    else:
        changes = daemon.reload(new)
        log.info("reloaded", added=changes.added, removed=changes.removed, changed=changes.changed)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
