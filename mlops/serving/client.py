"""A client of the server for scripts: one connection that is kept, answers or why there were none."""

import http.client
import json
import math
from typing import Any
from urllib.parse import urlsplit

from mlops.errors import BadInputError

START = "start one: python scripts/serve_model.py"


class Client:
    """Calls are made one after the other. BadInputError: there is no server."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}")
        if parts.scheme not in {"", "http", "https"} or not parts.hostname:
            raise BadInputError("is no address of a server", where=url, do="such as http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._url, self._path = url, parts.path.rstrip("/")
        try:
            self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        except ValueError as error:
            raise BadInputError(str(error), where=url) from None

    def get(self, path: str) -> tuple[int, Any]:
        return self._call("GET", path, None)

    def post(self, path: str, value: Any) -> tuple[int, Any]:
        """(status, decoded answer); status 0 where the connection broke."""
        return self._call("POST", path, json.dumps(value).encode())

    def reach(self, path: str) -> Any:
        """The answer to a first question, or BadInputError that says what is wrong with the server."""
        try:
            self._connection.connect()
        except OSError as error:
            why = error.strerror or str(error)
            raise BadInputError(f"no server answers: {why}", where=self._url, do=START) from None
        status, answer = self.get(path)
        if status != 200:
            told = detail(answer) or f"it answers {status} to {path}"
            raise BadInputError(told, where=self._url, do="" if detail(answer) else START)
        return answer

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, self._path + path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, _decoded(answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return 0, {"detail": f"no answer: {type(error).__name__}: {error}"}


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def detail(answer: Any) -> str:
    """What an answer says is wrong, on one line."""
    found = answer.get("detail", "") if isinstance(answer, dict) else ""
    if isinstance(found, list):
        return "; ".join(f"{'.'.join(map(str, each['loc'][1:]))} {each['msg']}" for each in found)
    return str(found)


def share(values: list[float], part: float) -> float:
    """
    >>> share([3.0, 1.0, 2.0], 0.5), share([], 0.5)
    (2.0, nan)
    """
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else math.nan
