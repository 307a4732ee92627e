"""Carries out one activity of an experiment: a function of our extension, an HTTP request, or a command."""

import inspect
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import msgspec

from scripts.control import ControlError
from scripts.experiments.document import Activity, Http, Process, Python, function, now_text, substituted

MOST_TEXT = 4096


class ActivityFailed(Exception):  # noqa: N818 - an outcome of the experiment, not an error of ours
    """It could not be carried out; the message says why."""


def carry_out(activity: Activity, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Its entry in the journal, with `status` succeeded or failed."""
    time.sleep(float(substituted(activity.pauses.before, variables)))
    entry: dict[str, Any] = {
        "activity": msgspec.to_builtins(activity),
        "start": now_text(),
        "status": "succeeded",
        "output": None,
    }
    began = time.monotonic()
    try:
        entry["output"] = _do(activity.provider, variables)
    except (ActivityFailed, ControlError) as failed:
        entry |= {"status": "failed", "exception": str(failed)}
    entry |= {"duration": round(time.monotonic() - began, 3), "end": now_text()}
    time.sleep(float(substituted(activity.pauses.after, variables)))
    return entry


def _do(provider: Python | Http | Process, variables: Mapping[str, Any]) -> Any:
    match provider:
        case Python():
            return _call(provider, variables)
        case Http():
            return _request(provider, variables)
        case Process():
            return _run(provider, variables)


def _call(provider: Python, variables: Mapping[str, Any]) -> Any:
    found = function(provider)
    arguments = substituted(provider.arguments, variables)
    if "configuration" in inspect.signature(found).parameters:
        arguments["configuration"] = dict(variables)
    try:
        return found(**arguments)
    except (TypeError, ValueError) as error:
        raise ActivityFailed(f"{provider.func}: {error}") from error


def _request(provider: Http, variables: Mapping[str, Any]) -> dict[str, Any]:
    url = substituted(provider.url, variables)
    if not url.startswith(("http://", "https://")):
        raise ActivityFailed(f"{url!r} is no address of the web")
    arguments, body = substituted(provider.arguments, variables), None
    if arguments is not None and provider.method.upper() == "GET":
        url = f"{url}?{urllib.parse.urlencode(arguments)}"
    elif arguments is not None:
        body = json.dumps(arguments).encode()
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(  # noqa: S310 - http and https only
        url, data=body, method=provider.method.upper(), headers={**headers, **provider.headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=_timeout_s(provider.timeout, variables)) as answer:  # noqa: S310
            status, found = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, found = error.code, error.read()
    except OSError as error:
        raise ActivityFailed(f"{url}: {error}") from error
    if provider.expected_status is not None and status != provider.expected_status:
        raise ActivityFailed(f"{url} answered {status}, not {provider.expected_status}")
    return {"status": status, "body": found[:MOST_TEXT].decode(errors="replace")}


def _run(provider: Process, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Without a shell: the arguments are words, and nothing in them is interpreted."""
    given = substituted(provider.arguments, variables)
    if isinstance(given, dict):
        words = [str(word) for pair in given.items() for word in pair if word not in (None, "")]
    else:
        words = given.split() if isinstance(given, str) else [str(word) for word in given]
    command = [substituted(provider.path, variables), *words]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_timeout_s(provider.timeout, variables),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActivityFailed(f"{command[0]}: {error}") from error
    return {
        "status": ended.returncode,
        "stdout": ended.stdout[-MOST_TEXT:],
        "stderr": ended.stderr[-MOST_TEXT:],
    }


def _timeout_s(given: Any, variables: Mapping[str, Any]) -> float:
    """Of the two that Chaos Toolkit knows, to connect and to read, the longer."""
    return max(
        float(substituted(each, variables)) for each in (given if isinstance(given, tuple) else (given,))
    )
