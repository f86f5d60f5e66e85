"""What the control page changes: a function for each address under ``api/``, told what to do by a JSON object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from authkit.emulator.control.controls import Controls

__all__ = ["COMMANDS", "Command"]

Command = Callable[[Controls, Mapping[str, Any]], str]
"""Does what an object says, and returns what people are told. It raises ValueError with the reason if it cannot."""

CENTURY = 100 * 365.25 * 86400


def turn_switches(controls: Controls, wanted: Mapping[str, Any]) -> str:
    """Turn every switch that is named, or none: ``{"rotation": "off", "rate_limit": 10}``."""
    if not wanted:
        raise ValueError("wanted: {<switch>: <setting>}")
    before = controls.switches.now
    try:
        for name, text in wanted.items():
            controls.switches.turn(name, _setting(text, name))
    except ValueError:
        controls.switches.now = before
        raise
    return f"{', '.join(wanted)} turned"


def change_faults(controls: Controls, wanted: Mapping[str, Any]) -> str:
    """``{"add": "token:reset:once"}``, ``{"remove": "token:reset:once"}`` or ``{"clear": true}``."""
    match wanted:
        case {"add": str(text), **rest} if not rest:
            controls.faults.add(text)
            return f"{text} added"
        case {"remove": str(text), **rest} if not rest:
            controls.faults.remove(text)
            return f"{text} removed"
        case {"clear": True, **rest} if not rest:
            controls.faults.clear()
            return "every fault removed"
    raise ValueError('wanted: {"add": "endpoint:kind"}, {"remove": "endpoint:kind"} or {"clear": true}')


def move_clock(controls: Controls, wanted: Mapping[str, Any]) -> str:
    """``{"advance": 7200}`` puts the clock forward by seconds, or back; ``{"reset": true}`` undoes it."""
    clock = controls.clock
    match wanted:
        case {"reset": True, **rest} if not rest:
            clock.advance(-clock.ahead)
            return "the clock is right again"
        case {"advance": int() | float() as seconds, **rest} if not rest and not isinstance(seconds, bool):
            # The first comparison is exact for a number of any size; sums with one that is too large are none.
            if abs(seconds) > 2 * CENTURY or clock.ahead + seconds > CENTURY or clock() + seconds < 0:
                raise ValueError("the clock goes from 1970 to 100 years ahead")
            clock.advance(seconds)
            return f"the clock moved by {seconds:g} seconds"
    raise ValueError('wanted: {"advance": <seconds>} or {"reset": true}')


def forget_requests(controls: Controls, wanted: Mapping[str, Any]) -> str:
    """``{"clear": true}``."""
    match wanted:
        case {"clear": True, **rest} if not rest:  # unlike ==, this tells true from 1
            controls.requests.clear()
            return "the requests are forgotten"
    raise ValueError('wanted: {"clear": true}')


def run_action(controls: Controls, wanted: Mapping[str, Any]) -> str:
    """``{"name": "revoke", "fields": {"user": "ada"}}``; a field that is not given is empty."""
    match wanted:
        case {"name": str(name), **rest} if rest.keys() <= {"fields"} and isinstance(rest.get("fields", {}), dict):
            given = rest.get("fields", {})
        case _:
            raise ValueError('wanted: {"name": <action>, "fields": {<field>: <text>}}')
    action = next((action for action in controls.actions if action.name == name), None)
    if action is None:
        names = ", ".join(action.name for action in controls.actions)
        raise ValueError(f"no action is called {name!r}; there are: {names or 'none'}")
    if unknown := given.keys() - set(action.fields):
        raise ValueError(f"{name} has no field {', '.join(sorted(map(repr, unknown)))}")
    return action.run({field: _text(given.get(field, ""), field) for field in action.fields})


COMMANDS: Mapping[str, Command] = {
    "switches": turn_switches,
    "faults": change_faults,
    "clock": move_clock,
    "requests": forget_requests,
    "actions": run_action,
}


def _setting(value: object, name: str) -> str:
    """Return the value of a switch as it is written, where JSON has a boolean or a number of its own."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) if isinstance(value, int) else _text(value, name)


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{name!r} has to be a text")
