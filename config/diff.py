"""What a reload changes: services added, removed, changed."""

import hashlib

import msgspec
from msgspec import Struct

from config.model import Config


class Diff(Struct, frozen=True):
    """Names in order of declaration."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def diff(old: Config, new: Config) -> Diff:
    before = {service.name: service for service in old.services}
    after = {service.name: service for service in new.services}
    return Diff(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and after[name] != before[name]),
    )


def digest(config: Config) -> str:
    """Equal for configurations that mean the same, however they are written."""
    return hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()[:16]
