"""The supervised service of these benchmarks: raw sockets, a known time to start, and faults on request.

usage: child.py PORT [--start SECONDS] [--gate FILE] [--needs PORT] [--boots FILE]
GET /fault/hang and /fault/500 break it; everything else answers 200 with its pid, and /metrics with 20 series.
"""

import argparse
import os
import socket
import sys
import time

METRICS = "".join(
    f"# TYPE child_{n} gauge\n" + "".join(f'child_{n}{{part="{m}"}} {n + m}\n' for m in range(4))
    for n in range(5)
)


def answer(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (
        status.encode(),
        len(body),
        body,
    )


def can_start(arguments: argparse.Namespace) -> bool:
    if arguments.gate and not os.path.exists(arguments.gate):  # noqa: PTH110 - pathlib would double the time to start
        print(f"cannot start: {arguments.gate} is not there", file=sys.stderr)
        return False
    if arguments.needs:
        try:
            socket.create_connection(("127.0.0.1", arguments.needs), 1).close()
        except OSError as error:
            print(f"cannot start: port {arguments.needs}: {error}", file=sys.stderr)
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--gate", default="")
    parser.add_argument("--needs", type=int, default=0)
    parser.add_argument("--boots", default="")
    arguments = parser.parse_args()
    if arguments.boots:
        with open(arguments.boots, "a") as boots:  # noqa: PTH123
            boots.write(f"{time.time()}\n")
    if not can_start(arguments):
        return 1
    time.sleep(arguments.start)
    serve(arguments.port)
    return 0


def serve(port: int) -> None:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    well = answer("200 OK", b'{"pid": %d}' % os.getpid())
    fault = ""
    held = []  # connections of a service that hangs: nobody answers, nobody hangs up
    while True:
        connection, _ = listening.accept()
        if fault == "hang":
            held.append(connection)
            continue
        with connection:
            try:
                asked = connection.recv(4096)
                if asked.startswith(b"GET /fault/"):
                    fault = asked[11:].split(b" ", 1)[0].decode()
                    connection.sendall(well)
                elif fault == "500":
                    connection.sendall(answer("500 Internal Server Error", b"broken"))
                elif asked.startswith(b"GET /metrics"):
                    connection.sendall(answer("200 OK", METRICS.encode()))
                else:
                    connection.sendall(well)
            except OSError:
                pass


if __name__ == "__main__":
    sys.exit(main())
