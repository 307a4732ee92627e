"""Takes secrets out of text before it is written anywhere: known values, and what looks like a key.

>>> Redactor(["hunter2!"])("login with hunter2! at https://me:pw@host/?api_key=abc&page=2")
'login with [redacted] at https://[redacted]@host/?api_key=[redacted]&page=2'
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[redacted]"
_SHORTEST_SECRET = 4  # shorter values would blank out ordinary words
_KEY = r"(?:[\w-]*(?:api[_-]?key|secret|password|passwd|token|signature)|apikey)"
_IS = r"""(?:\\?["'])? \s*[=:]\s* (?:\\?["'])?"""
_LOOKS = re.compile(
    rf"""
      (?P<scheme> \b(?: bearer\s+ | authorization {_IS} (?:\w+\s+)? ) ) (?!\[redacted) [\w.~+/=-]{{8,}}
    | (?P<pair> \b{_KEY} {_IS} ) (?!\[redacted) [^\s"'&,;}})\]\\]+
    | (?P<user> ://) (?!\[redacted) [^\s/@"'\\]+ (?=@)
    | \b(?: sk-[\w-]{{12,}} | rnd_\w{{12,}} | gh[pousr]_\w{{20,}} | \d{{6,}}:[\w-]{{30,}} )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_FIELD = re.compile(rf"^(?:{_KEY}|authorization|cookie)$", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """
    >>> [is_secret_name(name) for name in ("SHOP_API_KEY", "DB_PASSWORD", "DATABASE_URL", "PORT")]
    [True, True, True, False]
    """
    return bool(_SECRET_FIELD.match(name)) or name.upper().endswith("DATABASE_URL")


class Redactor:
    """Knows the secrets of this process. Immutable, cheap where nothing is to hide."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        known |= {json.dumps(secret)[1:-1] for secret in known}  # as JSON would write them
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _LOOKS.sub(_hide, text)

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A copy in which what is named like a secret is hidden, at any depth."""
        return {
            key: HIDDEN if value and _SECRET_FIELD.match(str(key)) else self._inner(value)
            for key, value in values.items()
        }

    def _inner(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.fields(value)
        return [self._inner(item) for item in value] if isinstance(value, list | tuple) else value


def _hide(match: re.Match[str]) -> str:
    return (match["scheme"] or match["pair"] or match["user"] or "") + HIDDEN
