"""What goes wrong at the provider, how often, and which error codes may come of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CALLS", "MIX", "Blow", "faults_at", "may_become"]

CALLS = ("token", "userinfo", "revoke")
"""The endpoints that the app calls. What browsers call works."""

UNAVAILABLE = frozenset({"provider_unavailable"})
PROTOCOL = frozenset({"provider_protocol"})
RATE_LIMITED = frozenset({"provider_rate_limited"})
REJECTED = frozenset({"provider_rejected"})
"""TikTok says `ok` in its field for errors; a number there is an error that nobody knows."""
FINE = frozenset({"ok"})
"""A GET that a kept connection has lost is sent again."""
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Blow:
    """A kind of fault in the mix.

    Attributes:
        fault: the kind, and its value, as the emulator has them.
        weight: how often it comes, beside the others.
        becomes: how the login may end.
        at_userinfo: how else it may end, if it happens there.
    """

    fault: str
    weight: int
    becomes: frozenset[str]
    at_userinfo: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The kind alone."""
        return self.fault.partition("=")[0]


MIX = (
    Blow("reset", 12, UNAVAILABLE, FINE),
    Blow("reset-headers", 6, UNAVAILABLE),
    Blow("reset-body", 6, UNAVAILABLE),
    Blow("500", 8, UNAVAILABLE),
    Blow("502", 4, UNAVAILABLE),
    Blow("503", 10, UNAVAILABLE),
    Blow("504", 4, UNAVAILABLE),
    Blow("429", 5, RATE_LIMITED),
    Blow("silent=0.3", 6, FINE),
    Blow("silent=20", 2, UNAVAILABLE),  # longer than anybody waits
    Blow("slow-headers=0.003", 3, FINE),
    Blow("slow-headers=0.5", 1, UNAVAILABLE),
    Blow("drip=0.002", 3, FINE),
    Blow("drip=1", 1, UNAVAILABLE),
    Blow("slow-connect=7", 2, UNAVAILABLE),
    Blow("truncated", 4, PROTOCOL),
    Blow("empty", 2, PROTOCOL),
    Blow("html", 4, PROTOCOL),
    Blow("html-as-json", 2, PROTOCOL),
    Blow("json", 2, PROTOCOL),
    Blow("wrong-types", 2, PROTOCOL, REJECTED),
    Blow("no-id", 2, PROTOCOL),
    Blow("empty-id", 2, PROTOCOL),
    Blow("bad-id", 2, PROTOCOL),
    Blow("mixed", 2, UNAVAILABLE),
    Blow("error-in-200", 3, UNAVAILABLE),
    Blow("huge=2", 1, PROTOCOL),
    Blow("gzip-bomb=20", 1, PROTOCOL),
    Blow("redirect", 2, PROTOCOL),
    Blow("307", 1, PROTOCOL),
    Blow("skew=30", 2, FINE),
)

_BY_FAULT: Mapping[str, Blow] = MappingProxyType({blow.fault: blow for blow in MIX})


def faults_at(share: float, mix: Sequence[Blow] = MIX) -> Iterator[str]:
    """Yield the faults that disturb `share` of all calls, 0 to 1, as the emulator spells them.

    The emulator tries one after the other, so those that come late need a greater probability of their own.
    """
    everything = sum(blow.weight for blow in mix)
    for call in CALLS if share else ():
        left = 1.0
        for blow in mix:
            wanted = share * blow.weight / everything
            if blow.kind != "slow-connect":
                yield f"{call}:{blow.fault}:{wanted / left:.{DECIMALS}f}"
                left -= wanted
            elif call == CALLS[0]:  # it is drawn for each new connection, whatever that is for
                yield f"{call}:{blow.fault}:{wanted:.{DECIMALS}f}"


def may_become(endpoint: str, fault: str) -> Collection[str]:
    """Return the outcomes that a fault, as the provider's journal has it, may lead to."""
    blow = _BY_FAULT[fault]
    return blow.becomes | blow.at_userinfo if endpoint == "userinfo" else blow.becomes
