"""The marks by which a later daemon finds its children again, and the environment that carries them."""

from collections.abc import Mapping

from msgspec import Struct

from config.child_path import child_path
from config.secret import without_secrets

_MARK, _SERVICE, _STATE = "NIGHTWARDEN_INCARNATION", "NIGHTWARDEN_SERVICE", "NIGHTWARDEN_STATE"


class Mark(Struct, frozen=True):
    service: str
    mark: str


def public_environment(daemon: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What a command of a service may see: the daemon's environment without its secrets, plus its own."""
    allowed = without_secrets(daemon).items()
    inherited = {key: value for key, value in allowed if not key.startswith("NIGHTWARDEN_")}
    return {**inherited, "PATH": child_path(daemon), **own}


def marked(environment: Mapping[str, str], mark: Mark, state: str) -> dict[str, str]:
    marks = {_MARK: mark.mark, _SERVICE: mark.service, _STATE: state}
    return marks | {key: value for key, value in environment.items() if key not in marks}


def find_mark(environ: bytes, state: str) -> Mark | None:
    """Read our mark out of a process's environment; None if it is not a child of this state folder."""
    if f"{_STATE}={state}\0".encode() not in environ:
        return None
    pairs = dict(pair.split(b"=", 1) for pair in environ.split(b"\0") if b"=" in pair)
    service, mark = (pairs.get(key.encode(), b"").decode(errors="replace") for key in (_SERVICE, _MARK))
    return Mark(service, mark) if service and mark else None
