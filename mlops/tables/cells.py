"""What one cell of a table says: missing, a number, or a category."""

import itertools
import re

MISSING = frozenset({"", "n/a", "na", "nan", "null"})  # in any case, with any space around
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE | re.ASCII)


def is_missing(text: str) -> bool:
    """Whether a cell's text says that there is no value.

    >>> [is_missing(text) for text in (" N/A ", "null", "", "0", "none")]
    [True, True, True, False, False]
    """
    return text.strip().lower() in MISSING


def number(text: str) -> float | None:
    """The number that a cell's text is, or None where it is none.

    >>> number(" -1.5e3 "), number("1_000"), number("12 kg"), number("inf")
    (-1500.0, None, None, inf)
    """
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def spellings() -> list[str]:
    """Every spelling of the missing tokens, for readers that compare letter by letter."""
    return sorted(
        {
            "".join(letters)
            for token in MISSING
            for letters in itertools.product(*({letter.lower(), letter.upper()} for letter in token))
        }
    )


def text_of(value: float | str | None) -> str | None:
    """A value as people write it: a whole number has no decimal point.

    >>> text_of(1.0), text_of(0.25), text_of("red"), text_of(float("nan"))
    ('1', '0.25', 'red', None)
    """
    if value is None or isinstance(value, str):
        return value
    if value != value:
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
