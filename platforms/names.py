"""Turns names out of the configuration into names of files that stay inside their folder."""

from urllib.parse import quote


def file_name(text: str) -> str:
    """
    >>> file_name("data/shop.json"), file_name("..")
    ('data%2Fshop.json', '%2E.')
    """
    safe = quote(text, safe=" ")[:200]
    return "%2E" + safe[1:] if safe.startswith(".") else safe
