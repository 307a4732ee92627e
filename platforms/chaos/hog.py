"""Takes what services need, as a program of its own that ends when its time is over, whoever forgot it.

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


def burn(ends_at: float) -> None:
    while time.monotonic() < ends_at:
        sum(range(10_000))


def hold(mib: int, ends_at: float) -> None:
    """Every page is touched; where memory runs out, we are whom the kernel takes first."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    held = [bytearray(b"\x01") * (1 << 20) for _ in range(mib)]
    while held and time.monotonic() < ends_at:
        time.sleep(0.1)


def ask(url: str, ends_at: float) -> None:
    while time.monotonic() < ends_at:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the declared probe of a service
                answer.read()
        except OSError:
            time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m platforms.chaos.hog", description=__doc__)
    parser.add_argument("what", choices=("cpu", "memory", "traffic"))
    parser.add_argument("much", type=int, help="processors, MiB or clients")
    parser.add_argument("--for-s", type=float, required=True)
    parser.add_argument("--id", required=True, help="by which it is found again")
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    ends_at = time.monotonic() + options.for_s
    if options.what == "memory":
        hold(options.much, ends_at)
    elif options.what == "traffic":
        clients = [
            threading.Thread(target=ask, args=(options.url, ends_at), daemon=True)
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
        burn(ends_at)


if __name__ == "__main__":
    main()
