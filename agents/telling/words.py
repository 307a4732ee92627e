"""Reads what people write: commands, times, confirmations."""

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_SILENCE_S = 7 * 86400.0
SILENCE_S = 3600.0
COMMANDS = (
    ("status", "how everything is"),
    ("incidents", "what is open, and what was lately"),
    ("why", "why: an incident step by step, as in /why 1a2b"),
    ("pause", "no more acts, as in /pause or /pause shop"),
    ("resume", "act again"),
    ("silence", "tell only what needs a person, as in /silence shop 2h or /silence off"),
    ("confirm", "the word that is asked for, as in /confirm shop"),
    ("help", "these commands"),
)


def duration_s(text: str) -> float | None:
    """
    >>> duration_s("90s"), duration_s("2h"), duration_s("1.5d"), duration_s("soon")
    (90.0, 7200.0, 129600.0, None)
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhd])", text.strip().lower(), re.ASCII)
    return float(found[1]) * _UNITS[found[2]] if found else None


def spoken(seconds: float) -> str:
    """
    >>> spoken(90), spoken(7200), spoken(30)
    ('2 min', '2 h', '30 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def silence_of(rest: str) -> tuple[str, float] | str:
    """The service ("" is all) and for how long (0 ends it); or what is wrong.

    >>> silence_of("shop 2h"), silence_of(""), silence_of("off"), silence_of("shop off")
    (('shop', 7200.0), ('', 3600.0), ('', 0.0), ('shop', 0.0))
    >>> silence_of("90d")  # nobody remembers a longer one
    ('', 604800.0)
    >>> silence_of("shop for ever")
    'Write /silence, then a service or nothing for all, then a time such as 30m or 2h, or off.'
    """
    wrong = "Write /silence, then a service or nothing for all, then a time such as 30m or 2h, or off."
    words = [word for word in rest.split() if word.lower() != "all"]
    for_s = SILENCE_S
    if words and words[-1].lower() == "off":
        for_s = 0.0
        words.pop()
    elif words and (asked := duration_s(words[-1])) is not None:
        for_s = min(asked, LONGEST_SILENCE_S)
        words.pop()
    return wrong if len(words) > 1 else (words[0] if words else "", for_s)
