"""The commands: what can be typed, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from authkit.cli import demo as demo_module
from authkit.cli import emulating, listing
from authkit.cli.database import db
from authkit.cli.doctor import doctor
from authkit.cli.keys import keys
from authkit.cli.login import login
from authkit.cli.newplugin import new_plugin
from authkit.cli.tokens import tokens
from authkit.errors import AuthkitError

__all__ = ["authkit"]

PORT = click.IntRange(0, 65535)
JSON_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class Group(click.Group):
    """A group whose commands end in one line when authkit refuses something."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except AuthkitError as error:
            raise click.ClickException(error.reason or error.message) from None


@click.group(cls=Group)
@click.version_option(package_name="authkit-core")
def authkit() -> None:
    """Login with any provider, by plugins."""


@authkit.command()
@click.argument("name", required=False)
@click.option("--ini", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An app's ini file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def plugins(name: str | None, ini: Path | None, as_json: bool) -> None:
    """List the installed plugins; NAME shows one in detail.

    The registrations come from the ini file and from the environment (AUTHKIT_...). The exit status is 1 if a
    plugin is not usable.
    """
    with listing.told_once():
        report = listing.report(listing.read_ini(ini) if ini else {})
    if name is not None:
        report = report.only(name)
    if as_json:
        click.echo(report.to_json())
    else:
        Console(markup=False, highlight=False).print(report.to_table() if name is None else report.to_details())
    raise SystemExit(0 if report.is_good else 1)


@authkit.command()
@click.argument("provider")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=8787, show_default=True, help="A busy port picks another.")
@click.option("--name", "names", multiple=True, help="Another host name that it answers to.")
@click.option("--tls", is_flag=True, help="Serve https, with certificates made on the fly.")
@click.option("--ca-file", type=click.Path(path_type=Path, dir_okay=False), help="Where to put the roots to trust.")
@click.option("--fault", "faults", multiple=True, metavar="ENDPOINT:KIND[=VALUE][:WHEN]", help="What goes wrong.")
@click.option("--seed", type=int, default=0, help="Decides about faults that have a probability.")
@click.option("--switch", "switches", multiple=True, metavar="NAME=VALUE", help="What the provider does otherwise.")
@click.option("--apps", type=JSON_FILE, help="A JSON file: the list of apps.")
@click.option("--users", type=JSON_FILE, help="A JSON file: the list of users.")
@click.option("--list", "only_list", is_flag=True, help="List the endpoints, switches and faults, and end.")
@click.option("--open", "opens_page", is_flag=True, help="Open the control page in a browser.")
@click.option("--quiet", is_flag=True, help="Do not print a line per request.")
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON, and no line per request.")
def emulate(provider: str, only_list: bool, **options: Any) -> None:
    """Emulate PROVIDER on this machine until Ctrl-C.

    A fault is such as token:reset:once, userinfo:drip=2, *:503:25% (always, once, a number of times, or how likely).
    """
    if only_list:
        emulating.list_choices(provider)
    else:
        emulating.emulate(provider, emulating.Options(**options))


@authkit.command()
@click.argument("provider", default="tiktok")
@click.option("--check", is_flag=True, help="End after the first login, with status 0 or 1.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--port", type=PORT, default=6543, show_default=True, help="The demo's port; a busy one picks another.")
@click.option("--emulator-port", type=PORT, default=8787, show_default=True, help="The emulator's port.")
def demo(provider: str, check: bool, as_json: bool, port: int, emulator_port: int) -> None:
    """Show a login with PROVIDER, emulated on this machine; then serve it until Ctrl-C."""
    raise SystemExit(demo_module.run(provider, port, emulator_port, check=check, as_json=as_json))


authkit.add_command(db)
authkit.add_command(doctor)
authkit.add_command(tokens)
authkit.add_command(keys)
authkit.add_command(login)
authkit.add_command(new_plugin)
