"""The log of retrainings that workflows read: .github/triggers/retraining_log.json, newest last, bounded."""

from contextlib import suppress
from typing import Any

import msgspec

from mlops.places import Places
from mlops.retraining.record import unix
from utils.damage import set_aside
from utils.disk import Disk, replace_file

KEPT = 200
Event = dict[str, Any]


def read_log(disk: Disk, places: Places) -> dict[str, Any]:
    """{"last_retrain_time", "events"}; what is no such object is set aside."""
    empty: dict[str, Any] = {"last_retrain_time": None, "events": []}
    try:
        found = msgspec.json.decode(disk.read(places.retraining_log), type=dict[str, Any])
        if not isinstance(found.get("events", []), list):
            raise msgspec.ValidationError("its events are no array")
    except FileNotFoundError:
        return empty
    except (msgspec.DecodeError, UnicodeDecodeError):
        set_aside(disk, places.retraining_log)
        return empty
    return empty | found


def log_event(disk: Disk, places: Places, event: Event) -> None:
    """Add an event, unless the same step of the same run stands there; `trained` moves last_retrain_time."""
    log = read_log(disk, places)
    key = (event.get("run"), event["event"])
    if event.get("run") and any((each.get("run"), each.get("event")) == key for each in _events(log)):
        return
    log["events"] = [*log["events"], event][-KEPT:]
    if event["event"] == "trained":
        log["last_retrain_time"] = event["timestamp"]
    disk.mkdir(places.retraining_log.parent)
    replace_file(disk, places.retraining_log, msgspec.json.format(msgspec.json.encode(log), indent=2) + b"\n")


def last_trained(disk: Disk, places: Places, model: str) -> float | None:
    """Unix seconds; a time that belongs to no event (somebody else wrote the log) counts for every model."""
    log = read_log(disk, places)
    trained = [each for each in _events(log) if each.get("event") == "trained"]
    times = [_time(each.get("timestamp")) for each in trained if each.get("model") == model]
    if log["last_retrain_time"] not in {each.get("timestamp") for each in trained}:
        times.append(_time(log["last_retrain_time"]))
    return max((at for at in times if at is not None), default=None)


def _events(log: dict[str, Any]) -> list[Event]:
    return [each for each in log["events"] if isinstance(each, dict)]


def _time(text: object) -> float | None:
    with suppress(ValueError, TypeError):
        return unix(str(text)) if text else None
    return None
