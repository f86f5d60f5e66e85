"""What each fuzz target is sent by hypothesis: good inputs, changed in one to three places, and plain nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hostile_texts import PATHS, TEXTS
from hypothesis import strategies as st

from fuzz.targets import load

__all__ = ["inputs"]

NUMBERS = st.sampled_from(
    [
        0,
        -1,
        1,
        True,
        1_800_000_000,
        10**20,
        10**400,
        1.5,
        -0.0,
        1_799_999_300,
        1_799_999_880,
        1_800_000_059.5,
        1_800_000_061,
        1e308,
        float("inf"),
        float("nan"),
    ]
)
URLS = st.sampled_from(
    ["http://localhost:1/x", "https://evil.example/", "http://evil.example/", "javascript:x", "//x"]
)
JUNK = st.recursive(
    st.none() | NUMBERS | URLS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
HEADS = {
    "native_body": ["application/json", "application/json;charset=utf-8", "text/json", "APPLICATION/JSON ;", ""],
    "token_reply": ["200", "201", "204", "302", "400", "401", "429 5", "429 99999999999", "429 soon", "500", "x"],
    "userinfo": ["200", "400", "401", "403", "404", "429", "503", "999"],
    "webhook": ["t=1800000000,s=" + "0" * 64, "s=,t=", "t=1,t=2", "", "\u0661=t", "t=-1,s=zz"],
}
NAMES = ["authkit", "AUTHKIT", "acme", "acme-2", "native", "phone", "client_id", "link", "scope", "prefix", "webhook"]
PARAMS = ["state", "code", "error", "error_description", "iss", "scopes", "return_to", "", "ä"]


@st.composite
def changed(draw: Callable[..., Any], value: Any) -> Any:
    """Give `value` with one thing in it replaced, taken out, added, or moved under another name."""
    if isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], *draw(st.just([]) | changed(value[at]).map(lambda item: [item])), *value[at + 1 :]]
    if not isinstance(value, dict) or draw(st.integers(0, 9)) == 0:
        return draw(JUNK)
    name = draw(st.sampled_from([*value, "more"]))
    how = draw(st.sampled_from(["change", "change", "take out", "rename"]))
    new = {} if how == "take out" else {name: draw(changed(value.get(name)))}
    if how == "rename":
        new = {draw(TEXTS): value.get(name)}
    return {**{key: item for key, item in value.items() if key != name}, **new}


@st.composite
def documents(draw: Callable[..., Any], good: bytes) -> bytes:
    """Give the JSON document `good`, changed in its content, and sometimes in its bytes."""
    value = json.loads(good)
    for _ in range(draw(st.integers(0, 3))):
        value = draw(changed(value))
    text = json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    spoilt = [
        *(text, text, text, text, text[:-1], text + b"x", b"\xef\xbb\xbf" + text, b" " + text + b"\r\n"),
        *(text.replace(b"{", b'{"a": 1, "a": 2, ', 1), text.replace(b"{", b'{"a": ' + b"[" * 2000, 1)),
        *(text.decode("utf-8", "replace").encode("utf-16"), text.replace(b":", b": NaN,", 1)),
    ]
    return draw(st.sampled_from(spoilt))


@st.composite
def written(draw: Callable[..., Any], good: bytes) -> bytes:
    """Give the answer `good` with lines of others, or of nobody's, in it, and with other ends of lines."""
    lines = good.split(b"\r\n")
    others = st.sampled_from(sorted({line for seed in load("answer").SEEDS for line in seed.split(b"\r\n")}))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + draw(st.integers(0, 1))] = draw(st.lists(others | st.binary(max_size=5), max_size=2))
        lines = lines or [b""]
    end = st.sampled_from([*[b"\r\n"] * 9, b"\n", b"\r", b""])
    return b"".join(line + draw(end) for line in lines[:-1]) + lines[-1]


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Return what the target `name` is sent."""
    if name == "return_to":
        return PATHS.map(_utf8)
    if name == "answer":
        return st.sampled_from(load(name).SEEDS).flatmap(written)
    if name == "query":
        pair = st.tuples(st.sampled_from(PARAMS) | TEXTS, TEXTS, st.sampled_from([_utf8, _quoted]))
        pairs = st.lists(pair.map(lambda pair: pair[2](pair[0]) + b"=" + pair[2](pair[1])), max_size=8)
        return st.tuples(pairs, st.sampled_from([1, 1, 1, 30])).map(lambda found: b"&".join(found[0] * found[1]))
    if name == "names":
        word = st.sampled_from(NAMES) | TEXTS
        key = st.tuples(st.lists(word, max_size=3), st.sampled_from([".", "_"])).map(
            lambda found: found[1].join(found[0])
        )
        line = st.tuples(key, TEXTS).map("=".join)
        return word.map(_utf8) | st.lists(line | st.sampled_from(_lines()), max_size=4).map("\n".join).map(_utf8)
    return st.sampled_from(load(name).SEEDS).flatmap(lambda seed: _around(name, seed))


def _around(name: str, seed: bytes) -> st.SearchStrategy[bytes]:
    """Return a seed's document, changed, below a first line if the target has one."""
    head, line, body = seed.partition(b"\n")
    if not line:
        return documents(seed)
    heads = (
        documents(head) if name in ("bearer", "id_token") else st.just(head) | st.sampled_from(HEADS[name]).map(_utf8)
    )
    return st.tuples(heads, documents(body)).map(b"\n".join)


def _lines() -> list[str]:
    return [line for seed in load("names").SEEDS for line in seed.decode().split("\n")]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _quoted(text: str) -> bytes:
    return quote(_utf8(text)).encode()
