"""Reads the address by which e-mail is sent.

>>> mailbox("smtps://bot:pw@mail.example.com/?to=ann@example.com,bob@example.com&from=bot@example.com").to
('ann@example.com', 'bob@example.com')
>>> mailbox_problem("smtp://mail.example.com/")
'smtp://[USER:PASSWORD@]HOST[:PORT]/?to=ADDRESS[,ADDRESS][&from=ADDRESS], or smtps:// for TLS from the first byte'
"""

from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

WANTED = "smtp://[USER:PASSWORD@]HOST[:PORT]/?to=ADDRESS[,ADDRESS][&from=ADDRESS], or smtps:// for TLS from the first byte"
_PORTS = {"smtp": 587, "smtps": 465}


class Mailbox(Struct, frozen=True):
    """`starttls`: the connection is made safe before anything is said, except on this machine."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    to: tuple[str, ...]
    tls: bool

    @property
    def starttls(self) -> bool:
        return not self.tls and self.host not in {"localhost", "127.0.0.1", "::1"}

    def __repr__(self) -> str:
        return f"Mailbox({self.host}:{self.port})"


def mailbox(url: str) -> Mailbox:
    """ValueError where something is missing."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    to = tuple(one.strip() for value in query.get("to", ()) for one in value.split(",") if "@" in one)
    if parts.scheme not in _PORTS or not parts.hostname or not to:
        raise ValueError(WANTED)
    return Mailbox(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=query.get("from", [to[0]])[0],
        to=to,
        tls=parts.scheme == "smtps",
    )


def mailbox_problem(url: str) -> str:
    """What is wrong; empty: nothing."""
    try:
        mailbox(url)
    except ValueError:
        return WANTED
    return ""
