"""Times and rates, as they are typed and as they are printed."""

from __future__ import annotations

import re
from datetime import timedelta

import click

__all__ = ["read_rate", "read_time", "say_time"]

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
AMOUNT = "[1-9][0-9]{0,4}"


class RefusedError(click.ClickException):
    """What was typed makes no sense: one line, and the exit status of a wrong usage."""

    exit_code = 2


def read_time(option: str, text: str) -> timedelta:
    """Return a time that was typed as a number and a unit.

    Raises:
        RefusedError: it is something else.
    """
    if not re.fullmatch(f"{AMOUNT}[smhd]", text):
        raise RefusedError(f"{option}: {text[:40]!r} is no time; write it as 90s, 30m, 12h or 7d")
    return timedelta(seconds=int(text[:-1]) * SECONDS[text[-1]])


def read_rate(option: str, text: str) -> float:
    """Return a rate that was typed as a number per unit, as a number a second.

    Raises:
        RefusedError: it is something else.
    """
    if not re.fullmatch(f"{AMOUNT}/[smh]", text):
        raise RefusedError(f"{option}: {text[:40]!r} is no rate; write it as 10/s, 100/m or 1000/h")
    return int(text[:-2]) / SECONDS[text[-1]]


def say_time(seconds: float) -> str:
    """Return a number of seconds in its two largest units, such as ``2 h 46 min``."""
    rest = round(seconds)
    if rest < 60:
        return f"{rest} s"
    if rest < 3600:
        return f"{rest // 60} min {rest % 60} s"
    if rest < 86400:
        return f"{rest // 3600} h {rest % 3600 // 60} min"
    return f"{rest // 86400} d {rest % 86400 // 3600} h"
