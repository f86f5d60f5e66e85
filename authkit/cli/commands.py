"""The commands: what can be typed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from authkit.cli import demo as demo_module
from authkit.cli import emulating, listing
from authkit.errors import AuthkitError

__all__ = ["authkit"]

LOOPBACK = click.Choice(["127.0.0.1", "::1", "localhost"])
PORT = click.IntRange(0, 65535)


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
@click.option("--host", type=LOOPBACK, default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", type=PORT, default=8787, show_default=True, help="A busy port picks another.")
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON.")
def emulate(provider: str, host: str, port: int, as_json: bool) -> None:
    """Emulate PROVIDER on this machine until Ctrl-C."""
    emulating.emulate(provider, host, port, as_json=as_json)


@authkit.command()
@click.argument("provider", default="tiktok")
@click.option("--check", is_flag=True, help="End after the first login, with status 0 or 1.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--port", type=PORT, default=6543, show_default=True, help="The demo's port; a busy one picks another.")
@click.option("--emulator-port", type=PORT, default=8787, show_default=True, help="The emulator's port.")
def demo(provider: str, check: bool, as_json: bool, port: int, emulator_port: int) -> None:
    """Show a login with PROVIDER, emulated on this machine; then serve it until Ctrl-C."""
    raise SystemExit(demo_module.run(provider, port, emulator_port, check=check, as_json=as_json))
