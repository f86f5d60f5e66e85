"""`KINDS`: what can go wrong at an emulator."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["KINDS", "Kind"]

HOUR = 3600.0
YEARS = 3e8
NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
TEXT = re.compile(r"[ -~]{1,2000}")

UNSEEN = "not processed"
DONE = "processed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Something that can go wrong.

    Attributes:
        name: what it is called in a `Fault`.
        help: what happens, in a sentence.
        unit: what a value says: ``seconds``, ``bytes``, ``MB``, ``JSON``, ``address``, ``Retry-After``; "" when it
            takes none.
        default: the value when none is given.
        effect: what becomes of the request: ``not processed``, so that nothing at the provider changes; or
            ``processed``, so that what it changed stays changed although its answer is lost or damaged. A refresh
            token may have been rotated.
        limits: the least and the greatest number that a value may be; None when it is no number.
    """

    name: str
    help: str
    effect: str
    unit: str = ""
    default: str = ""
    limits: tuple[float, float] | None = None

    def check(self, value: str) -> None:
        """Raise ValueError, which says what is possible, unless `value` can be the value of such a fault."""
        if not self.unit:
            raise ValueError(f"{self.name} takes no value")
        if not TEXT.fullmatch(value):
            raise ValueError(f"the value of {self.name} is printable ASCII, 1 to 2000 characters")
        if self.limits and not (NUMBER.fullmatch(value) and self.limits[0] <= float(value) <= self.limits[1]):
            least, most = self.limits
            raise ValueError(
                f"{self.name} takes a number of {self.unit}, from {least:.0f} to {most:.0f}, not {value!r}"
            )
        if self.unit == "JSON":
            try:
                json.loads(value)
            except (ValueError, RecursionError):
                raise ValueError(f"{self.name} takes JSON, not {value!r}") from None


def _seconds(name: str, default: str, text: str, effect: str = DONE) -> Kind:
    return Kind(name=name, help=text, effect=effect, unit="seconds", default=default, limits=(0, HOUR))


def _status(name: str, text: str) -> Kind:
    return Kind(name=name, help=f"The answer is {name} {text}, with a page of HTML.", effect=UNSEEN)


def _redirect(name: str, status: int) -> Kind:
    text = f"The answer is {status} and leads elsewhere."
    return Kind(name=name, help=text, effect=UNSEEN, unit="address", default="https://evil.example/")


def _megabytes(name: str, default: str, most: float, text: str) -> Kind:
    return Kind(name=name, help=text, effect=DONE, unit="MB", default=default, limits=(1, most))


_ALL = (
    _seconds("slow-connect", "30", "A new connection takes that long; one that was kept is not slow.", UNSEEN),
    _seconds("silent", "60", "The request is accepted, and nothing comes for that long."),
    _seconds("slow-headers", "1", "The status line and the headers come with that pause before each byte."),
    _seconds("drip", "1", "The body comes with that pause before each byte."),
    _status("500", "Internal Server Error"),
    _status("502", "Bad Gateway"),
    _status("503", "Service Unavailable"),
    _status("504", "Gateway Timeout"),
    Kind(
        name="429",
        help="The answer is 429 Too Many Requests, with a header Retry-After.",
        effect=UNSEEN,
        unit="Retry-After",
        default="30",
    ),
    Kind(name="reset", help="The connection is reset instead of an answer.", effect=DONE),
    Kind(name="reset-headers", help="The connection is reset in the middle of the status line.", effect=DONE),
    Kind(
        name="reset-body",
        help="The connection is reset in the middle of the body, or where it would begin if there is none.",
        effect=DONE,
    ),
    Kind(name="html", help="The answer is 200 and the HTML of a login page.", effect=UNSEEN),
    Kind(name="html-as-json", help="The same page is said to be application/json.", effect=UNSEEN),
    Kind(
        name="truncated",
        help="The body ends after so many bytes, or half way, and Content-Length agrees.",
        effect=DONE,
        unit="bytes",
        limits=(0, 10**6),
    ),
    Kind(name="empty", help="The answer is 200 and has no body.", effect=UNSEEN),
    _megabytes("huge", "10", 100, "The body is filled up with blanks, which leaves it valid JSON, to that size."),
    _megabytes("gzip-bomb", "200", 1000, "The body is filled up with blanks to that size, and compressed to 0.1 %."),
    _redirect("redirect", 302),
    _redirect("301", 301),
    _redirect("303", 303),
    _redirect("307", 307),
    _redirect("308", 308),
    Kind(
        name="json",
        help="The answer is 200 and this JSON.",
        effect=UNSEEN,
        unit="JSON",
        default="null",
    ),
    Kind(name="wrong-types", help="In the JSON, texts are numbers, and all that is no text is one.", effect=DONE),
    Kind(name="no-id", help="The JSON lacks the fields that say who somebody is.", effect=DONE),
    Kind(name="empty-id", help="The fields that say who somebody is are empty.", effect=DONE),
    Kind(
        name="bad-id",
        help="The fields that say who somebody is have this value.",
        effect=DONE,
        unit="JSON",
        default="null",
    ),
    Kind(name="error-in-200", help="The answer is one of the provider's errors, with status 200.", effect=UNSEEN),
    Kind(name="mixed", help="A good answer has the provider's error in it too.", effect=DONE),
    Kind(
        name="skew",
        help="The provider's clock, and its header Date, are that far ahead; behind if it is negative.",
        effect=DONE,
        unit="seconds",
        default="3600",
        limits=(-YEARS, YEARS),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind of fault by its name."""
