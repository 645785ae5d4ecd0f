"""MkDocs hook: links from a page to files outside docs/, which the site does not hold, become plain words."""

from __future__ import annotations

import re


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page's text, where `[words](../path)` reads "words (`path` in the checkout)"."""
    return re.sub(r"\[([^\]]+)\]\(\.\./([^)#]+)[^)]*\)", _in_words, markdown)


def _in_words(link: re.Match[str]) -> str:
    words, path = link.groups()
    return f"`{path}`" if path in words else f"{words} (`{path}` in the checkout)"
