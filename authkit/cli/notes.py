"""What ``authkit emulate`` prints: settings to copy, and a line a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from shlex import quote

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from authkit.emulator import CONTROL_PATH, KINDS, HasRecipes, Recorded, Severity, Workbench, describe
from authkit.provider import Emulator

__all__ = ["print_choices", "print_json", "print_notes", "print_request"]

COLOURS = {Severity.FINE: "green", Severity.REFUSED: "yellow", Severity.DISTURBED: "magenta"}


def print_json(origin: str, settings: Mapping[str, str]) -> None:
    """Print where the emulator is and the settings of an app, for machines."""
    click.echo(json.dumps({"origin": origin, "settings": settings}, indent=2))


def print_notes(emulator: Emulator, origin: str, settings: Mapping[str, str], *, is_public: bool) -> None:
    """Print where the emulator is, and what to put into an app's settings: authkit's, and other libraries'."""
    console = _console()
    console.print(f"[bold]{emulator.provider}[/bold] is emulated at [cyan]{origin}[/cyan]")
    if is_public:
        console.print("[yellow]Everybody who can reach this machine can use it.[/yellow]")
    console.print(f"Requests, faults and switches: [cyan]{origin}{CONTROL_PATH}[/cyan]")
    _print_lines(console, "authkit, in an ini file", [f"{key} = {value}" for key, value in settings.items()])
    _print_lines(console, "authkit, in the environment", [_export(key, value) for key, value in settings.items()])
    for recipe in emulator.recipes(origin) if isinstance(emulator, HasRecipes) else ():
        _print_lines(console, recipe.title, recipe.text.splitlines())
    console.print("\nCtrl-C ends it.\n")


def print_request(recorded: Recorded) -> None:
    """Print one line for a request."""
    line = describe(recorded)
    _console().print(Text(line.text, style=COLOURS[line.severity]))


def print_choices(workbench: Workbench) -> None:
    """Print the endpoints, the switches and the kinds of faults."""
    console = _console()
    console.print(f"Endpoints: {', '.join(workbench.endpoints)}\n", markup=False)
    switches = [
        (switch.name, "|".join(switch.choices) or "a number", switch.default, switch.help)
        for switch in workbench.switches.describe()
    ]
    _print_table(console, "--switch NAME=VALUE", ("name", "values", "at first", "what it does"), switches)
    kinds = [(kind.name, kind.default, kind.help) for kind in KINDS.values()]
    _print_table(console, "--fault ENDPOINT:KIND[=VALUE][:WHEN]", ("kind", "value", "what happens"), kinds)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _export(key: str, value: str) -> str:
    return f"export {key.upper().replace('.', '_').replace('-', '_')}={quote(value)}"


def _print_lines(console: Console, title: str, lines: Sequence[str]) -> None:
    console.print(f"\n[bold]{title}[/bold]\n")
    for line in lines:
        console.print(f"  {line}", markup=False)


def _print_table(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    console.print()
