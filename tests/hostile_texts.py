"""Texts that two parsers may read in two ways, for properties about addresses."""
# ruff: noqa: RUF001 - characters that look like others are what some of these are about

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["PATHS", "TEXTS"]

PIECES = [
    *("/", "//", "\\", ".", "..", "/./", "/../", "/..;/", ":", ";", "?", "#", "@", "&", "=", "+", "[", "]", "|", "^"),
    *("\t", "\n", "\r", "\r\n", "\0", "\x0b", "\x1f", "\x7f", "\x85", " ", "\u00a0", "\u2028", "\ufeff", "\u202e"),
    *(
        "%2f",
        "%5c",
        "%5C",
        "%09",
        "%0d%0a",
        "%00",
        "%20",
        "%2e",
        "%2e%2e",
        "%252f",
        "%ff",
        "%c0%af",
        "%",
        "%zz",
        "%u2215",
    ),
    *("．", "。", "｡", "／", "∕", "⁄", "＼", "：", "＠", "＃", "？", "ａ", "ⓔ", "é", "ß", "日本", "\u00ad", "\u200d"),
    *("evil.example", "app.example", "xn--e1afmkfd", "user:pass@", "[::1]", "0x7f.1", ":443", "localhost"),
    *(
        "http:",
        "https:",
        "HTTPS://",
        "javascript:",
        "data:,",
        "file:",
        "blob:",
        "//app.example@",
        "\ud800",
        "\U0001f600",
    ),
    *('"', "'", "<", ">", "`", "{", "}", "a", "inbox", "x=1", "a" * 300),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=8).map("".join)
"""Anything, made of what has fooled other parsers."""
STARTS = st.sampled_from(
    ["/", "/", "/", "//", "/\\", "\\/", "/\t/", "/\n", "\t//", "/.", "/%09/", "/@", "https:", " /"]
)
PATHS = st.tuples(STARTS, TEXTS).map("".join) | TEXTS
"""The same, and more often what begins as a path does."""
