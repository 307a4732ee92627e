"""Cuts Telegram's HTML to the length that Telegram takes, and turns it into plain text.

>>> fit("<b>down: <i>a &amp; b</i></b>", 9)
'<b>down: <i>a…</i></b>'
>>> plain("<b>a &lt; b</b>")
'a < b'
"""

import re
from html import unescape

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_ANSWER = 200
_LONGEST_RAW = 30_000  # tags and entities included; Telegram takes a little more
_TOKEN = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^'"<>])*>|&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);|[^<&]+|[<&]""")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_MORE = "…"


def units(text: str) -> int:
    """Length in UTF-16 units, the strictest way in which Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def plain(html: str) -> str:
    """The text alone."""
    return "".join(unescape(token) for token in _TOKEN.findall(html) if not _TAG.match(token))


def fit(html: str, limit: int) -> str:
    """The longest beginning that fits, with an ellipsis; no tag stays open, no entity is cut."""
    if len(html) <= _LONGEST_RAW and units(plain(html)) <= limit:
        return html
    cut: list[str] = []
    opened: list[str] = []
    left, raw_left = limit - units(_MORE), _LONGEST_RAW
    for token in _TOKEN.findall(html):
        raw_left -= len(token)
        if tag := _TAG.match(token):
            if raw_left < 0:
                break
            _follow(opened, tag)
            cut.append(token)
            continue
        shown = unescape(token)
        if units(shown) > left or raw_left < 0:
            cut.append(_beginning(token, min(left, left + raw_left)) if shown == token else "")
            break
        left -= units(shown)
        cut.append(token)
    return "".join(cut).rstrip() + _MORE + "".join(f"</{name}>" for name in reversed(opened))


def cut_plain(text: str, limit: int) -> str:
    """
    >>> cut_plain("abcdef", 4)
    'abc…'
    """
    return text if units(text) <= limit else _beginning(text, limit - units(_MORE)) + _MORE


def _follow(opened: list[str], tag: "re.Match[str]") -> None:
    if not tag[1]:
        opened.append(tag[2])
    elif opened and opened[-1] == tag[2]:
        opened.pop()


def _beginning(text: str, limit: int) -> str:
    """Counted in UTF-16 units, of which a character has one or two."""
    begun = text[: max(limit, 0)]
    while units(begun) > limit and begun:
        begun = begun[: -max(1, (units(begun) - limit) // 2)]
    return begun
