"""Restart strategy as data, as in Erlang/OTP: children, policies, nesting, giving up.

A child is started anew for every start: a fresh object from saved state. A supervisor's `run` is itself a valid
`Child.start`, so trees need no extra code. More than `intensity` restarts within `period_s`, or `long_intensity` within
`long_period_s`, mean that starting anew is no cure: the supervisor stops everything and raises RestartLimitError, which
its own parent then counts. The short window meets many that fail together; one that fails alone is slowed down by its
back-off, so that only the long window can meet it. Restarts that are older than a window count no more.

    root = Supervisor("root", Policy(strategy=Strategy.REST_FOR_ONE), [Child(name="journal", start=journal.run), ...])
    await root.run()
"""

import asyncio
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from utils.structured_logger import get_logger

log = get_logger("supervisor")


class Restart(enum.Enum):
    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # only after a crash
    TEMPORARY = "temporary"  # never


class Strategy(enum.Enum):
    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"


class Child(Struct, frozen=True, kw_only=True):
    name: str
    start: Callable[[], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    shutdown_s: float = 5.0


class Policy(Struct, frozen=True, kw_only=True):
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = 5
    period_s: float = 60.0
    long_intensity: int | None = 30  # None: try for ever
    long_period_s: float = 3600.0
    backoff_s: float = 0.5  # doubled for each restart still inside the short period
    backoff_max_s: float = 30.0


class RestartLimitError(RuntimeError):
    """A child died too often; the message names it."""


class Supervisor:
    def __init__(self, name: str, policy: Policy, children: Sequence[Child]) -> None:
        self.name = name
        self.policy = policy
        self.children = list(children)
        self.restarts: dict[str, int] = {}
        self.stubborn = 0  # children that ignored cancellation: asyncio cannot kill them
        self._times: deque[float] = deque()  # of restarts within the long period, of earlier runs too
        self._began_at = 0.0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled (stops all in reverse order), all children are finished, or the limit is reached."""
        self._began_at = asyncio.get_running_loop().time()
        self._start(self.children, 0.0)
        try:
            while self._tasks:
                await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
                for child in [
                    c for c in self.children if c.name in self._tasks and self._tasks[c.name].done()
                ]:
                    await self._ended(child)
        finally:
            await self._stop(self.children)

    def alive(self) -> list[str]:
        """Children that run now, or wait out a back-off."""
        return [name for name, task in self._tasks.items() if not task.done()]

    def restart(self, name: str, why: str) -> None:
        """Make a child that is silent or failing die, as if it had crashed."""
        task = self._tasks.get(name)
        if task is not None and not task.done():
            log.warning("agent_killed", child=name, why=why)
            task.cancel()

    def _start(self, children: Sequence[Child], delay_s: float) -> None:
        """All after one back-off, in their order; it is waited inside their tasks, so that it holds up nobody else."""
        go = asyncio.Event()
        if delay_s:  # by a timer, as whichever of them would wait for the others can be made to die first
            asyncio.get_running_loop().call_later(delay_s, go.set)
        else:
            go.set()

        async def life(child: Child) -> None:
            await go.wait()
            await child.start()

        for child in children:
            self._tasks[child.name] = asyncio.create_task(life(child), name=f"{self.name}/{child.name}")

    async def _ended(self, child: Child) -> None:
        task = self._tasks.get(child.name)
        if task is None or not task.done():  # started anew meanwhile, with another that had ended too
            return
        del self._tasks[child.name]
        error = asyncio.CancelledError() if task.cancelled() else _itself(task.exception())
        crashed = error is not None
        if child.restart is Restart.TEMPORARY or (child.restart is Restart.TRANSIENT and not crashed):
            return
        delay_s = self._admit(child, error)
        log.error(
            "child_restarts", child=child.name, supervisor=self.name, error=repr(error), delay_s=delay_s
        )
        self.restarts[child.name] = self.restarts.get(child.name, 0) + 1
        affected = self._affected(child)
        await self._stop([c for c in affected if c is not child])
        self._start(affected, delay_s)

    def _admit(self, child: Child, error: BaseException | None) -> float:
        """The back-off before this restart, or give up."""
        policy, now = self.policy, asyncio.get_running_loop().time()
        self._times.append(now)
        while self._times[0] < now - max(policy.period_s, policy.long_period_s):
            self._times.popleft()
        since = max(now - policy.period_s, self._began_at)
        recent = sum(at >= since for at in self._times)
        lately = policy.long_intensity is not None and len(self._times) > policy.long_intensity
        if recent > policy.intensity or lately:
            raise RestartLimitError(f"{self.name}: {child.name} died too often, last of {error!r}") from error
        return min(policy.backoff_s * 2.0 ** (recent - 1), policy.backoff_max_s)

    def _affected(self, child: Child) -> list[Child]:
        match self.policy.strategy:
            case Strategy.ONE_FOR_ONE:
                return [child]
            case Strategy.REST_FOR_ONE:
                return self.children[self.children.index(child) :]
            case Strategy.ONE_FOR_ALL:
                return self.children

    async def _stop(self, children: Sequence[Child]) -> None:
        for child in reversed(children):
            task = self._tasks.pop(child.name, None)
            if task is None:
                continue
            task.cancel()
            _, pending = await asyncio.wait({task}, timeout=child.shutdown_s)
            if pending:
                self.stubborn += 1
                log.error("child_ignores_cancellation", child=child.name, after_s=child.shutdown_s)
            elif not task.cancelled() and (error := task.exception()) is not None:
                log.warning("child_failed_while_stopping", child=child.name, error=repr(error))


def _itself(error: BaseException | None) -> BaseException | None:
    """Of a group of one the one: a task group wraps what its only failing task raised."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
