"""Takes what services need, as a program of its own: it ends when its time is over or its plan is gone, whoever forgot it.

python -m platforms.chaos.hog cpu 2 --for-s 20 --id X       two processors
python -m platforms.chaos.hog memory 512 --for-s 20 --id X  so many MiB
python -m platforms.chaos.hog traffic 20 --for-s 20 --id X --url http://127.0.0.1:9001/health
"""

import argparse
import contextlib
import os
import threading
import time
import urllib.request
from pathlib import Path

LOOK_S = 0.1


class Leave:
    """To go on: until then, and while the plan is on disk. One that was born as its daemon died ends at once."""

    def __init__(self, for_s: float, plan: str) -> None:
        self._ends_at = time.monotonic() + for_s
        self._plan = Path(plan) if plan else None
        self._looked_at = 0.0
        self._is_over = False

    def __bool__(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            gone = self._plan is not None and not self._plan.exists()
            self._is_over = self._is_over or gone or now >= self._ends_at
        return not self._is_over


def burn(leave: Leave) -> None:
    while leave:
        sum(range(10_000))


def hold(mib: int, leave: Leave) -> None:
    """Every page is touched; where memory runs out, we are whom the kernel takes first."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    held: list[bytearray] = []
    while leave:
        if len(held) < mib:
            held.append(bytearray(b"\x01") * (1 << 20))
        else:
            time.sleep(LOOK_S)


def ask(url: str, body: str, leave: Leave) -> None:
    """Again and again, a little apart where something is sent."""
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, data=body.encode() or None, headers=headers)  # noqa: S310 - of a service
    while leave:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
                answer.read()
        except OSError:
            time.sleep(0.01)
        time.sleep(0.02 if body else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m platforms.chaos.hog",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("cpu", "memory", "traffic"))
    parser.add_argument("much", type=int, help="processors, MiB or clients")
    parser.add_argument("--for-s", type=float, required=True)
    parser.add_argument("--id", required=True, help="by which it is found again")
    parser.add_argument("--plan", default="", help="a file without which it ends")
    parser.add_argument("--url", default="")
    parser.add_argument("--body", default="", help="is posted")
    options = parser.parse_args()
    leave = Leave(options.for_s, options.plan)
    if options.what == "memory":
        hold(options.much, leave)
    elif options.what == "traffic":
        clients = [
            threading.Thread(target=ask, args=(options.url, options.body, leave), daemon=True)
            for _ in range(options.much)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    else:
        for _ in range(options.much - 1):
            if os.fork() == 0:
                break
        burn(leave)


if __name__ == "__main__":
    main()
