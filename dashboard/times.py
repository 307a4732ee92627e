"""Times as people and JSON see them: RFC 3339 in UTC, ending in Z."""

from datetime import UTC, datetime


def rfc3339(unix_s: float) -> str:
    """
    >>> rfc3339(1_700_000_000.25)
    '2023-11-14T22:13:20.250Z'
    """
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix_s(text: str) -> float:
    """
    >>> unix_s("2023-11-14T22:13:20.250Z")
    1700000000.25
    """
    return datetime.fromisoformat(text).timestamp()
