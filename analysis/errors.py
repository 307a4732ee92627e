"""Errors in what a service wrote, told apart by their templates: which of them are new."""

from analysis.drain import Templates
from analysis.signatures import quote
from analysis.words import TROUBLE

MOST_LINES = 40  # of one trouble, the newest
MOST_KEPT = 50


def with_errors(known: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The templates, with those of this text.

    >>> with_errors((), "listening on 80\\nERROR cannot pay order 17")
    ('ERROR cannot pay order <*>',)
    """
    templates = Templates(known)
    for line in _errors(text):
        templates.learn(line)
    return tuple(templates)[-MOST_KEPT:]


def new_error(text: str, known: tuple[str, ...]) -> str:
    """The newest line that is an error and of no known template; empty if there is none, or nothing is known."""
    if not known:
        return ""
    templates = Templates(known)
    return next((quote(line) for line in reversed(_errors(text)) if not templates.find(line)), "")


def _errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if TROUBLE.search(line)][-MOST_LINES:]
