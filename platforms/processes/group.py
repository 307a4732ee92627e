"""The whole group of a service: who belongs to it, what it uses, how it is signalled and ended."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

from platforms.platform import PlatformError
from platforms.processes.mark import Mark, find_mark
from platforms.processes.table import Process, ProcessTable

_DEATH_S = 10.0  # what SIGKILL has not ended by then hangs in the kernel
_LOOK_S = 0.005


def signal_number(name: str) -> int:
    """
    >>> signal_number("TERM"), signal_number("SIGHUP")
    (15, 1)
    """
    try:
        return int(signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"])
    except KeyError as error:
        raise PlatformError(f"{name} is not the name of a signal") from error


def carriers(table: ProcessTable, state: str) -> Iterator[tuple[Mark, Process]]:
    """Every living process that carries a mark of this state folder."""
    for pid in table.pids():
        mark = find_mark(table.environ(pid), state)
        if mark is None or pid == os.getpid():
            continue
        process = table.read(pid)
        if process is not None and process.alive:
            yield mark, process


class Strangers:
    """Processes that are known to carry no mark of ours, so that each is asked only once."""

    def __init__(self) -> None:
        self._known: dict[int, object] = {}

    def orphans(self, table: ProcessTable, state: str, service: str) -> list[Process]:
        """What is left of a service whose leader was our own child: the heads of it, whose children come up as they die.

        Not everybody on the machine is asked, because its next start waits for this.
        """
        known, self._known = self._known, {}
        found = []
        for pid in table.heirs():
            identity = table.identity(pid)
            if identity is not None and known.get(pid) == identity:
                self._known[pid] = identity
                continue
            environ = table.environ(pid)
            mark = find_mark(environ, state)
            if mark is None and environ:  # none at all: it is just being born, or not ours to read
                self._known[pid] = identity
            process = table.read(pid) if mark is not None and mark.service == service else None
            if process is not None and process.alive and pid != os.getpid():
                found.append(process)
        return found


def leaderless(table: ProcessTable, leader: int) -> list[Process]:
    """What lives on in the session of a dead leader. The kernel reuses no pid that names a living session."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        pass
    found = [process for pid in table.pids() if (process := table.read(pid)) and process.session == leader]
    if any(process.pid == leader and process.alive for process in found):
        return []  # the group was empty for a moment and the number is somebody else's now
    return [process for process in found if process.alive]


def tree(table: ProcessTable, leader: Process) -> list[Process]:
    """The leader and its descendants; cheap, as it looks at nobody else."""
    found = [leader]
    for parent in found:
        found += [child for pid in table.children(parent) if (child := table.read(pid)) and child.alive]
    return found


def send(group: int, number: int) -> None:
    """Signal a process group; an empty one is no error."""
    if group <= 1:  # kill(-1) reaches every process there is
        raise PlatformError(f"{group} is no process group of a service")
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise PlatformError(f"the process group {group} may not be signalled by this user") from error


async def kill_all(find: Callable[[], list[Process]]) -> None:
    """SIGKILL what `find` finds, until it finds nothing more. Raises PlatformError if something outlives that."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _DEATH_S
    while found := find():
        for process in found:
            _kill(process.pid)
        if loop.time() > deadline:
            states = ", ".join(f"{process.pid} (state {process.state})" for process in found)
            raise PlatformError(f"these processes do not die of SIGKILL: {states}")
        await asyncio.sleep(_LOOK_S)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise PlatformError(f"the process {pid} may not be signalled by this user") from error
