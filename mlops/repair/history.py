"""What was repaired when: a manifest for each repair, by which it can be taken back, and the audit trail."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from mlops.places import Places
from mlops.repair.files import make_folder, sha256_of
from utils.disk import OsDisk, replace_file


class Manifest(Struct, kw_only=True):
    """`before` are the bytes that stood at `path` ("" : no file did), `after` those that the repair wrote there.

    It is written before the table is replaced, so that no repair is without one.
    """

    version: int = 1
    path: str
    source: str
    timestamp: str
    sha256_before: str
    sha256_after: str
    size_after: int
    rows_after: int
    backup: str
    log: str
    quarantine_file: str = ""
    undone_at: str = ""


class AuditEntry(Struct, kw_only=True):
    timestamp: str
    issue: str
    detection: str
    action: str
    fixes: int
    retry: int
    time_to_resolution: float  # seconds
    path: str
    report: str = ""


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def free_stem(path: Path, timestamp: str) -> str:
    """A name for the files of one repair."""
    stamp = timestamp.replace(":", "").replace("-", "").replace(".", "")
    return f"{path.stem}-{stamp}"


def write_manifest(places: Places, stem: str, manifest: Manifest) -> None:
    make_folder(places.repairs)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    replace_file(OsDisk(), places.repairs / f"{stem}.json", text + b"\n")


def manifests(places: Places, path: Path) -> list[tuple[str, Manifest]]:
    """The repairs of this file that were not taken back, newest first; what cannot be read is left out."""
    found = []
    if not places.repairs.is_dir():
        return []
    for file in sorted(places.repairs.glob("*.json"), reverse=True):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except (msgspec.DecodeError, OSError):
            continue
        if manifest.path == str(path) and not manifest.undone_at:
            found.append((file.stem, manifest))
    return sorted(found, key=lambda pair: pair[1].timestamp, reverse=True)


def judged_rows(places: Places, path: Path) -> int:
    """How many rows at the front of the file an earlier repair wrote there, unchanged since."""
    size = path.stat().st_size
    for _, manifest in manifests(places, path)[:3]:
        if manifest.size_after <= size and sha256_of(path, manifest.size_after) == manifest.sha256_after:
            return manifest.rows_after
    return 0


def prune(places: Places, path: Path, keep: int) -> None:
    """Remove the oldest backups of a file; their repairs can still be taken back by their logs."""
    for _, manifest in manifests(places, path)[keep:]:
        if manifest.backup:
            Path(manifest.backup).unlink(missing_ok=True)


def audit(places: Places, entry: AuditEntry) -> None:
    make_folder(places.monitoring)
    descriptor = os.open(places.audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, msgspec.json.encode(entry) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
