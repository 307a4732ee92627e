"""Reads untrusted text for exceptions and known symptoms; nothing in it is evaluated.

>>> exception('File "shop.py", line 3, in load\\njson.decoder.JSONDecodeError: Expecting value: line 1 column 1')
'JSONDecodeError: Expecting value: line # column #'
"""

import re
from collections.abc import Iterator

from msgspec import Struct

MAX_CHARS = 8192
MAX_QUOTE = 120

# Compiled at import: the first incident must not wait for it.
_EXCEPTION = re.compile(
    r"^(?:[\w.$]+\.)?(\w*(?:Error|Exception|Exit|Interrupt|Timeout|Refused|Panic))\b(?:: ?(.*))?$|^panic: (.*)$",
    re.MULTILINE,
)
_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|^\s+at [\w.$<>]+\(|^goroutine \d+ \[|^panic: ", re.MULTILINE
)
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)
_STAMP = re.compile(r"\d\D?\d\D?\d\D?\d")
_CONNECTION = re.compile(
    r"time[d]?[ -]?out|refused|unreachable|unavailable|no answer|not answer|no route|reset by peer|broken pipe"
    r"|(?:cannot|can't|could not) (?:connect|reach|be reached)|connection (?:error|failed|aborted|closed)|connect call failed|too slow|\bslow\b"
    r"|\b50[234]\b|deadline exceeded|answered (?:with )?(?:http )?500\b",
    re.IGNORECASE,
)

_NOT_STARTED = re.compile(
    r"^(?:\S+: )?the (?:command|working directory)\b.*(?:does not exist|is not executable|is not on the PATH|cannot be started|is empty)"
)

_CONNECTION_WORDS = (  # one of them is in whatever _CONNECTION matches
    "time", "refused", "unreachable", "unavailable", "answer", "no route", "reset by", "broken pipe", "connect", "slow",
    "502", "503", "504", "deadline",
)  # fmt: skip

# What a line says about the cause: (cause, weight, words of which one must be there, pattern). Most output holds none of
# the words, and looking for words is a hundred times faster than matching.
_SYMPTOMS: tuple[tuple[str, float, tuple[str, ...], re.Pattern[str]], ...] = (
    (
        "disk_full",
        5.0,
        ("no space", "disk", "enospc", "sqlstate"),
        re.compile(r"sqlstate 53100|no space left on device|disk (?:is )?full|enospc|disk quota exceeded"),
    ),
    (
        "connection_exhaustion",
        4.5,
        ("too many", "emfile", "pool", "slots", "cannot assign", "sqlstate"),
        re.compile(
            r"sqlstate 53300|too many open files|emfile|too many (?:clients|connections)|connection pool (?:is )?(?:exhausted|full)"
            r"|remaining connection slots|cannot assign requested address"
        ),
    ),
    (
        "state_corruption",
        4.0,
        (
            "malformed",
            "not a database",
            "jsondecodeerror",
            "checksum",
            "corrupt",
            "unexpected end",
            "unpickling",
            "unicodedecodeerror",
            "invalid character",
            "in json at",
            "sqlstate",
            "invalid page",
            "could not read block",
            "missing chunk",
        ),
        re.compile(
            r"sqlstate (?:xx00[12]|42p01)|invalid page in block|could not read block|missing chunk number|database disk image is malformed|file is not a database|jsondecodeerror|checksum mismatch"
            r"|\bcorrupt(?:ed)?\b|unexpected end of (?:file|json|data)|malformed (?:json|file|data)|unpicklingerror"
            r"|unicodedecodeerror|invalid character .* looking for|unexpected token .* in json at position"
        ),
    ),
    (
        "memory_leak",
        3.5,
        ("memory", "oom", "heap space"),
        re.compile(r"\bmemoryerror\b|out of memory|cannot allocate memory|\boom\b|heap space"),
    ),
    (
        "config_error",
        4.5,
        ("sqlstate", "permission denied for", "authentication failed", "not permitted to log in"),
        re.compile(
            r"sqlstate (?:42501|28000|28p01)|permission denied for (?:table|schema|sequence|database|relation|view)"
            r"|password authentication failed|is not permitted to log in"
        ),
    ),
    (
        "config_error",
        3.5,
        ("401", "403", "wrong", "invalid", "expired", "unauthori", "authentication failed"),
        re.compile(
            r"answered (?:with )?(?:http )?40[13]\b|\bunauthori[sz]ed\b"
            r"|(?:wrong|invalid|expired|unknown) (?:api[ -_]?)?(?:key|token|credentials?|secret|password)\b"
        ),
    ),
    (
        "config_error",
        2.5,
        ("config", "missing", "environment variable", "unknown option", "unknown setting"),
        re.compile(
            r"invalid config|configuration error|missing (?:required )?(?:environment|config|setting)"
            r"|environment variable \S+ (?:is )?(?:not set|missing)|unknown (?:option|setting)"
        ),
    ),
)
_TURNED_DOWN = re.compile(r"answered (?:with )?(?:http )?4\d\d\b", re.IGNORECASE)  # by somebody whom it needs
OVERLOADED = re.compile(r"\boverload(?:ed)?\b|too many requests|(?:over|at) capacity", re.IGNORECASE)
STUCK = re.compile(
    r"\bno (?:\w+ )?(?:done|finished|processed|consumed|progress)\b|\bno (?:job|task|message|item|event)s? \w+ for"
    r"|\bstuck\b|\bstalled\b|not making progress|\bdeadlock",
    re.IGNORECASE,
)
SLOW = re.compile(r"\bslow(?:ly)?\b|too long|latency (?:is )?(?:above|over|too high|exceed)", re.IGNORECASE)


class Reading(Struct, frozen=True):
    """One line that speaks for a cause; `recency` is 1 for the last lines and falls to 0.4."""

    cause: str
    weight: float
    line: str
    recency: float


def fresh(text: str, before: str) -> str:
    """Without lines that bear a time or number and were there before: they tell of an older trouble."""
    old = {line for line in before.splitlines() if _STAMP.search(line)}
    return "\n".join(line for line in text[-MAX_CHARS:].splitlines() if line not in old)


def exception(text: str) -> str:
    """Class and message of the last exception, numbers masked so that equal faults look equal; empty if none."""
    last = ""
    for match in _EXCEPTION.finditer(text[-MAX_CHARS:]):
        name, message, panic = match.groups()
        last = f"{name}: {message}" if name and message else name or f"panic: {panic}"
    return _NUMBER.sub("#", last)[:MAX_QUOTE]


def has_traceback(text: str) -> bool:
    return bool(_TRACEBACK.search(text[-MAX_CHARS:]))


def is_overloaded(text: str) -> bool:
    """
    >>> is_overloaded("overloaded: 150% of what 2 can take"), is_overloaded("no load at all")
    (True, False)
    """
    return bool(OVERLOADED.search(text[-MAX_CHARS:]))


def is_stuck(text: str) -> bool:
    """
    >>> is_stuck("no job done for 3.1 s, 14 wait"), is_stuck("worker stalled"), is_stuck("no such article")
    (True, True, False)
    """
    return bool(STUCK.search(text[-MAX_CHARS:]))


def is_slow(text: str) -> bool:
    return bool(SLOW.search(text[-MAX_CHARS:]))


def symptoms(text: str) -> Iterator[Reading]:
    """The newest line for each cause that the text speaks for."""
    lowered = text[-MAX_CHARS:].lower()
    for cause, weight, words, pattern in _SYMPTOMS:
        if not any(map(lowered.__contains__, words)):
            continue
        for line, recency in _lines(text):
            if pattern.search(line.lower()):
                yield Reading(cause, weight, quote(line), recency)
                break


def names_file(text: str, path: str) -> str:
    """The newest line that names the file, or empty."""
    name = path.rpartition("/")[2]
    return next((quote(line) for line, _ in _lines(text) if name and name in line), "")


def turned_down(text: str, name: str, addresses: tuple[str, ...]) -> str:
    """The newest line that says that this peer answered, and did not want what it was asked; empty if none does."""
    reading = _about(text, name, addresses, _TURNED_DOWN)
    return reading.line if reading else ""


def connection_trouble(text: str, name: str, addresses: tuple[str, ...]) -> Reading | None:
    """The newest line that speaks of a failed or slow connection to this peer; without a name its addresses alone count."""
    return _about(text, name, addresses, _CONNECTION)


def _about(text: str, name: str, addresses: tuple[str, ...], said: re.Pattern[str]) -> Reading | None:
    lowered = text[-MAX_CHARS:].lower()
    ports = [at.rpartition(":")[2] for at in addresses]
    first = re.split(r"[-_ ]", name.lower())[0]
    if not (first and first in lowered) and not any(port in lowered for port in ports):
        return None
    known = [_spelled(at) for at in addresses]
    if parts := [re.escape(part) for part in re.split(r"[-_ ]", name) if part]:
        known.append(rf"(?<![\w-]){'[-_ ]'.join(parts)}(?![\w-])")
    peer = re.compile("|".join(known), re.IGNORECASE)
    for line, recency in _lines(text):
        if peer.search(line) and said.search(line):
            return Reading("dependency_failure", 3.0, quote(line), recency)
    return None


def _spelled(address: str) -> str:
    """As addresses stand in messages: 10.0.0.1:80, ('10.0.0.1', 80), host='10.0.0.1', port=80, "10.0.0.1", port 80."""
    host, _, port = address.rpartition(":")
    return rf"(?<![\w.]){re.escape(host)}['\"]?(?::|,\s*(?:port\s*=?\s*)?){port}(?!\d)"


def speaks_of_connections(text: str) -> bool:
    """Whether any line may tell of trouble with a peer: most text does not, and need not be searched for every peer."""
    return any(map(text[-MAX_CHARS:].lower().__contains__, _CONNECTION_WORDS))


def cannot_connect(text: str) -> bool:
    """Whether its last words are of a connection that failed, whoever the other side is."""
    return any(_CONNECTION.search(line) for line, recency in _lines(text) if recency == 1.0)


def quote(line: str) -> str:
    """One line fit for people: printable, short."""
    clean = "".join(character if character.isprintable() else " " for character in line).strip()
    return clean if len(clean) <= MAX_QUOTE else clean[: MAX_QUOTE - 1] + "…"


def _lines(text: str) -> list[tuple[str, float]]:
    """Newest first, each with its recency."""
    lines = [line for line in text[-MAX_CHARS:].splitlines() if line.strip()]
    return [(line, max(0.4, 1 - 0.05 * max(0, age - 4))) for age, line in enumerate(reversed(lines))]


def never_began(reason: str) -> bool:
    """Our own words for a command that cannot be run at all.

    >>> never_began("the command serve is not on the PATH"), never_began("exited with code 1")
    (True, False)
    """
    return _NOT_STARTED.search(reason) is not None
