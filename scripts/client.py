"""The commands that ask a running daemon, printed for people; colours only on a terminal."""

import argparse
import sys
from typing import Any

from scripts.control import ControlError, ask
from scripts.maintenance import maintenance_line

ASKED = ("service", "incident", "fault", "for_s", "about", "typed")  # what a command may name
COLOURS = {
    "healthy": "32", "starting": "33", "unhealthy": "31", "down": "31", "stopped": "90", "unknown": "90",
    "closed": "32", "open": "31", "recovering": "33", "verifying": "33", "escalated": "31", "withdrawn": "90",
}  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """0: done; 1: the daemon could not be reached or refused."""
    asked = {key: getattr(args, key) for key in ASKED if hasattr(args, key)}
    try:
        if hasattr(args, "options"):
            asked["options"] = options(args.options)
        data = ask(args.state, args.command, **asked)
    except ControlError as error:
        print(error, file=sys.stderr)
        return 1
    if args.command == "status":
        print("\n".join(_status(data)))
    elif args.command == "incidents":
        print("\n".join(_incidents(data, args.status)))
    elif args.command == "maintenance":
        print("\n".join(maintenance_line(item) for item in data) or "no maintenance is planned, and none was")
    elif args.command == "explain":
        print("\n".join(data))
    elif args.command == "faults":
        print("\n".join(_faults(data)))
    else:
        print(data)
    return 0


def options(given: list[str]) -> dict[str, str]:
    """
    >>> options(["latency_ms=800", "stream=upstream"])
    {'latency_ms': '800', 'stream': 'upstream'}
    """
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise ControlError(f"--set {wrong[0]}: must be NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _faults(data: dict[str, Any]) -> list[str]:
    active = [
        f"{fault['fault']} on {fault['service']} for {fault['seconds']:g} s, {fault['left_s']:g} s left"
        + (f": {fault['problem']}" if fault["problem"] else "")
        for fault in data["active"]
    ]
    known = [f"  {name:<18}{text}" for name, text in data["known"].items()]
    refused = [f"none can be made now: {data['refused']}"] if data["refused"] else []
    return [*(active or ["no fault is in"]), *refused, "there are:", *known]


def coloured(word: str, width: int = 0) -> str:
    text = word.ljust(width)
    colour = COLOURS.get(word)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and sys.stdout.isatty() else text


def _status(data: dict[str, Any]) -> list[str]:
    summary = data["summary"]
    lines = [f"{summary['overall_health']}, {summary['recoveries']} incidents healed"]
    lines += summary["notices"]
    width = max([len(service["name"]) for service in data["services"]] or [0])
    for service in data["services"]:
        incident = f"  incident {service['open_incident']}" if service["open_incident"] else ""
        lines.append(
            f"{service['name']:<{width}}  {coloured(service['health'], 9)}  {service['reason']}{incident}".rstrip()
        )
        lines += [f"{'':<{width}}  learnt: {line}" for line in service.get("learnt", ())]
    return lines


def _incidents(data: list[dict[str, Any]], status: str) -> list[str]:
    chosen = [item for item in data if not status or item["status"] == status]
    if not chosen:
        return ["no incidents" + (f" with status {status}" if status else "")]
    return [_incident(item) for item in chosen]


def _incident(item: dict[str, Any]) -> str:
    cause = item["cause"]
    blamed = f"{cause['name']} of {cause['service']}" if cause else "cause not known yet"
    if cause and cause["name"] == "unknown":
        blamed = "cause unknown"
    acts = ", ".join(f"{act['fix']} {act['outcome']}" for act in item["acts"]) or "no act"
    return f"{item['id'][:8]}  {item['opened_at']}  {coloured(item['status'], 10)}  {item['service']}: {blamed}; {acts}"
