"""Switches: what an emulator can be told to do otherwise, while it runs.

The switches of an emulator are the fields of one frozen dataclass, each made by `switch`. A `Switchboard` holds their
present values: code reads ``board.now.rotation``, the command line and the control page set them by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Switch", "Switchboard", "switch"]

S = TypeVar("S", bound="DataclassInstance")
T = TypeVar("T", bound="bool | int | str")
ON_OFF = {"on": True, "off": False}
LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch as it is shown.

    Attributes:
        name: what it is set by.
        value: what it is set to, as text: ``on`` or ``off`` for a yes or no.
        default: what it is set to at first.
        choices: what it can be set to; empty for a number.
        help: what it does, in a sentence.
    """

    name: str
    value: str
    default: str
    choices: tuple[str, ...]
    help: str


def switch(default: T, help: str, *, choices: tuple[str, ...] = ()) -> T:  # noqa: A002 - as argparse and click call it
    """Return a field for a dataclass of switches: a bool, a number that is not negative, or one of `choices`."""
    options = tuple(ON_OFF) if isinstance(default, bool) else choices
    declared: T = field(default=default, metadata={"help": help, "choices": options})
    return declared


class Switchboard(Generic[S]):
    """The switches of one emulator.

    Attributes:
        now: their present values.
    """

    def __init__(self, values: S) -> None:
        self.now = values

    def describe(self) -> tuple[Switch, ...]:
        """Return every switch with its present value."""
        return tuple(
            Switch(
                name=declared.name,
                value=_text(getattr(self.now, declared.name)),
                default=_text(declared.default),
                choices=declared.metadata["choices"],
                help=declared.metadata["help"],
            )
            for declared in fields(self.now)
        )

    def turn(self, name: str, text: str) -> None:
        """Set the switch called `name` to what `text` says.

        Raises:
            ValueError: there is no such switch, or it cannot be set to that; the message says what can be done.
        """
        known = {described.name: described for described in self.describe()}
        if name not in known:
            meant = get_close_matches(name, known, n=1)
            hint = f"did you mean {meant[0]}?" if meant else f"there are: {', '.join(known) or 'none'}"
            raise ValueError(f"no switch is called {name!r}; {hint}")
        self.now = replace(self.now, **{name: _parse(known[name], text)})


def _parse(known: Switch, text: str) -> Any:
    if known.choices and text not in known.choices:
        raise ValueError(f"{known.name} is one of {', '.join(known.choices)}, not {text!r}")
    if known.choices:
        return ON_OFF[text] if known.choices == tuple(ON_OFF) else text
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST):
        raise ValueError(f"{known.name} is a number from 0 to {LARGEST}, not {text!r}")
    return int(text)


def _text(value: object) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)
