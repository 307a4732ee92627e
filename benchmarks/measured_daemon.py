"""`nightwarden run` with a watch on each callback of its loop. usage: measured_daemon.py REPORT run ...

All garbage is collected once a second, in a callback of its own. SIGUSR1 makes the counting begin anew; at the end
REPORT holds what was longest.
"""

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path

from benchmarks.longest import Longest
from scripts.nightwarden import main as nightwarden

COLLECT_S = 1.0


def collect_garbage() -> None:
    gc.collect()
    asyncio.get_running_loop().call_later(COLLECT_S, collect_garbage)


class _Policy(asyncio.DefaultEventLoopPolicy):
    """Every loop that is made begins to collect."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.call_later(COLLECT_S, collect_garbage)
        return loop


def main() -> int:
    report = Path(sys.argv.pop(1))
    longest = Longest()
    signal.signal(signal.SIGUSR1, lambda *_: longest.found.clear())
    asyncio.set_event_loop_policy(_Policy())
    try:
        with longest.measuring():
            return nightwarden(sys.argv[1:])
    finally:
        report.write_text(json.dumps(longest.found))


if __name__ == "__main__":
    sys.exit(main())
