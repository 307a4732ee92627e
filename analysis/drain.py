"""Log templates after Drain (He et al., 2017): lines of one shape become one template, what differs in them a wildcard.

>>> templates = Templates()
>>> templates.learn("user 17 failed to pay order a4f09c31")
'user <*> failed to pay order <*>'
>>> templates.learn("user 18 failed to send order 77aa01ff")
'user <*> failed to <*> order <*>'
>>> templates.find("user 3 failed to see order 00ff00ff"), templates.find("disk is full")
('user <*> failed to <*> order <*>', '')
"""

import re
from collections.abc import Iterable, Iterator

WILD = "<*>"
ALIKE = 0.6  # of the words: more apart they are two templates
MOST_WORDS = 40  # of a line; the rest of it is not looked at
MOST_TEMPLATES = 200  # the oldest is forgotten

# Any word with a digit, quoted text, long hexadecimal and addresses: what is never a message's own words.
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|\b[0-9a-fA-F]{8,}\b|\S*\d\S*")


class Templates:
    """Grouped by length and first word, as in Drain's tree of depth two: a line is compared with few others."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._groups: dict[tuple[int, str], list[list[str]]] = {}
        self._size = 0
        for template in known:
            self._add(template.split())

    def __iter__(self) -> Iterator[str]:
        return (" ".join(words) for group in self._groups.values() for words in group)

    def learn(self, line: str) -> str:
        """The template of the line, widened or made for it; empty for an empty line."""
        words = masked(line)
        if not words:
            return ""
        best = self._nearest(words)
        if best is None:
            return " ".join(self._add(words))
        best[:] = [one if one == other else WILD for one, other in zip(best, words, strict=True)]
        return " ".join(best)

    def find(self, line: str) -> str:
        """The template that the line is of; empty if there is none."""
        words = masked(line)
        return " ".join(self._nearest(words) or ()) if words else ""

    def _nearest(self, words: list[str]) -> list[str] | None:
        group = self._groups.get((len(words), words[0]), ())
        best = max(group, key=lambda template: similarity(template, words), default=None)
        return best if best is not None and similarity(best, words) >= ALIKE else None

    def _add(self, words: list[str]) -> list[str]:
        if self._size >= MOST_TEMPLATES:
            oldest = next(iter(self._groups))
            self._groups[oldest].pop(0)
            if not self._groups[oldest]:
                del self._groups[oldest]
            self._size -= 1
        self._groups.setdefault((len(words), words[0]), []).append(words)
        self._size += 1
        return words


def masked(line: str) -> list[str]:
    """Its words, with a wildcard for each that varies.

    >>> masked("2026-01-01T10:00:00 ERROR KeyError: 'order-17' at 0x7f00")
    ['<*>', 'ERROR', 'KeyError:', '<*>', 'at', '<*>']
    """
    return _VARYING.sub(WILD, line).split()[:MOST_WORDS]


def similarity(template: list[str], words: list[str]) -> float:
    """The share of words that are the same; a wildcard stands for any."""
    if len(template) != len(words) or not words:
        return 0.0
    return sum(
        one in {other, WILD} or other == WILD for one, other in zip(template, words, strict=True)
    ) / len(words)


def alike(one: str, other: str) -> bool:
    """Whether two messages are of one shape.

    >>> alike("KeyError: 'a-17'", "KeyError: 'b-9'"), alike("KeyError: 'a'", "OSError: [Errno 28] no space")
    (True, False)
    """
    return similarity(masked(one), masked(other)) >= ALIKE
