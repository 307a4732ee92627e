"""systemd's notification protocol (sd_notify(3)): datagrams to the socket that it names; nothing where it names none."""

import os
import socket
from collections.abc import Mapping


class Systemd:
    """`watchdog_s` is how often it wants to hear of us; 0: it does not ask."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(micros) / 1e6 if self._address and ours and micros.isdecimal() else 0.0

    def tell(self, *lines: str) -> bool:
        """Whether somebody was told."""
        if not self._address:
            return False
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(0.0)
                out.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False
        return True
