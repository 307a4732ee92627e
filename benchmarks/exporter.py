"""A service that exports many series. usage: exporter.py PORT SERIES"""

import socket
import sys
from contextlib import suppress


def main() -> None:
    port, series = int(sys.argv[1]), int(sys.argv[2])
    page = "".join(
        f'bench_metric_{n % 10}{{service="svc-{n % 100}",instance="10.0.0.{n}"}} {n * 1.25}\n'
        for n in range(series)
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with socket.create_server(("127.0.0.1", port)) as listening:
        while True:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(head % len(page) + page)


if __name__ == "__main__":
    main()
