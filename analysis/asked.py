"""What a service's own words ask for, where no older release would help: read by the diagnosis, told to people.

>>> asked("shop", "OSError: x509: certificate has expired")
'what it says asks for rotate-cert: OSError: x509: certificate has expired'
>>> asked("shop", "KeyError: 'price'"), remedy_in(["it is slow", "what it says asks for rotate-cert: x509"])
('', 'rotate-cert')
"""

from collections.abc import Iterable

from analysis.remedy import Said, Trouble, weigh
from analysis.remedy_words import spoken
from analysis.signatures import MAX_CHARS, quote

NO_RELEASE_HELPS = frozenset({"failover", "reschedule", "rotate-cert", "purge-bad-data", "escalate-upstream"})
SURE = 0.5
MOST_LINES = 40
_ASKS = "what it says asks for "


def asked(service: str, text: str) -> str:
    """A sentence for people that begins with the kind of remedy, or nothing."""
    lines = [line for line in text[-MAX_CHARS:].splitlines() if line.strip()][-MOST_LINES:]
    if not any(sign.remedy in NO_RELEASE_HELPS for line in lines for sign in spoken(line)):
        return ""
    best = weigh(Trouble(lines=tuple(Said(service, line) for line in lines)))[0]
    if best.remedy not in NO_RELEASE_HELPS or best.probability < SURE:
        return ""
    line = next(line for line in reversed(lines) if any(sign.remedy == best.remedy for sign in spoken(line)))
    return f"{_ASKS}{best.remedy}: {quote(line)}"


def remedy_in(sentences: Iterable[str]) -> str:
    """The kind of remedy that one of these sentences asks for."""
    told = (sentence for sentence in sentences if sentence.startswith(_ASKS))
    return next((sentence[len(_ASKS) :].partition(":")[0] for sentence in told), "")
