"""What a callback may say besides what the provider has said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode

from history_providers import REGISTRATIONS

AS_IT_IS = "as it is"

Pairs = list[tuple[str, str]]


def drop(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Leave one parameter out."""
    return [pair for place, pair in enumerate(pairs) if place != number % len(pairs)]


def double(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Say one thing twice."""
    return [*pairs, pairs[number % len(pairs)]]


def swap(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Take one parameter from the other callback, such as its code or its state."""
    name, value = pairs[number % len(pairs)]
    return [(key, dict(other).get(name, value) if key == name else kept) for key, kept in pairs]


def swap_code(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Take the code of the other callback."""
    return [(key, dict(other).get("code", kept) if key == "code" else kept) for key, kept in pairs]


def both(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Add a parameter of the other callback, which may be there already."""
    return [*pairs, other[number % len(other)]]


def shorten(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Take the last character from one value."""
    place = number % len(pairs)
    return [(name, value[:-1] if at == place else value) for at, (name, value) in enumerate(pairs)]


def empty(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Take all of one value."""
    place = number % len(pairs)
    return [(name, "" if at == place else value) for at, (name, value) in enumerate(pairs)]


def add_issuer(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Name another server as the one that answers."""
    return [*pairs, ("iss", "https://evil.example")]


def add_error(pairs: Pairs, other: Pairs, number: int) -> Pairs:
    """Say that somebody said no, whatever else is said."""
    return [*[pair for pair in pairs if pair[0] != "error"], ("error", "access_denied")]


def cut_off(address: str, query: str, number: int) -> str:
    """Leave out the end."""
    return f"{address}?{query[: number % len(query)]}"


def mix_up(address: str, query: str, number: int) -> str:
    """Go to another registration."""
    _, _, name, *rest = address.split("/")
    others = [other for other in REGISTRATIONS if other != name]
    return f"/auth/{others[number % len(others)]}/{'/'.join(rest)}?{query}"


def take_elsewhere(address: str, query: str, number: int) -> str:
    """Go to the callback for apps on phones, or from there to the usual one."""
    [_, _, name, *rest] = address.split("/")
    return f"/auth/{name}/{'callback' if 'native' in rest else 'native/callback'}?{query}"


PARAMETERS: Mapping[str, Callable[[Pairs, Pairs, int], Pairs]] = {
    function.__name__: function
    for function in (drop, double, swap, swap_code, both, shorten, empty, add_issuer, add_error)
}
ADDRESSES: Mapping[str, Callable[[str, str, int], str]] = {
    function.__name__: function for function in (cut_off, mix_up, take_elsewhere)
}
CHANGES = (*PARAMETERS, *ADDRESSES)


def changed(change: str, path: str, other: str, number: int) -> str:
    """Return the address of a callback, changed in the way that is called `change`; `other` is another one."""
    address, _, query = path.partition("?")
    if change in ADDRESSES:
        return ADDRESSES[change](address, query, number)
    if change == AS_IT_IS:
        return path
    pairs, others = (parse_qsl(text, keep_blank_values=True) for text in (query, other.partition("?")[2]))
    return f"{address}?{urlencode(PARAMETERS[change](pairs, others, number))}"
