"""``authkit new-plugin``: a folder with a provider plugin that installs and passes its tests as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import click

from authkit.cli.blueprint import Blueprint, OAuth2Form, OpenIDForm, check_plugin_name
from authkit.cli.questions import ISSUER, QUESTIONS, TITLE, as_options
from authkit.cli.scaffold import write
from authkit.cli.servermetadata import read_server_metadata
from authkit.errors import ConfigError
from authkit.oidc import OpenIDProvider
from authkit.transport import Transport

__all__ = ["make_blueprint", "new_plugin"]


@click.command("new-plugin")
@click.argument("name")
@as_options
@click.option(
    "--metadata", metavar="URL-OR-FILE", help="The server's metadata (RFC 8414), which answer most of this."
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=".",
    help="The folder that gets the plugin's folder.",
)
@click.option("--yes", "takes_defaults", is_flag=True, help="Ask nothing: take what is given, and defaults.")
def new_plugin(name: str, metadata: str | None, into: Path, takes_defaults: bool, **given: str | None) -> None:
    """Write a plugin for the provider NAME into a new folder, authkit-NAME.

    What no option answers is asked. What is written installs, and passes its tests: go on from there.
    """
    answers = {question: answer for question, answer in given.items() if answer is not None}
    found = read_server_metadata(metadata, Transport()) if metadata is not None else {}
    blueprint = make_blueprint(name, answers, found, is_asked=not takes_defaults)
    folder = write(blueprint, into)
    click.echo(f"{folder} is a plugin. Next:\n")
    for command in (f"cd {quote(str(folder))}", "python -m pip install -e '.[test]'", "python -m pytest"):
        click.echo(f"  {command}")


def make_blueprint(name: str, given: Mapping[str, str], found: Mapping[str, str], *, is_asked: bool) -> Blueprint:
    """Return what the new plugin is to be.

    Args:
        name: the provider's name.
        given: what options say, by the names of the questions.
        found: what the server's metadata say, likewise; it is not asked again.
        is_asked: whether somebody is there to ask for the rest.

    Raises:
        ConfigError: a name or an answer cannot be, or one is missing, or two contradict each other.
    """
    check_plugin_name(name)
    if "issuer" in given and (found or set(given) - {"issuer", "title"}):
        raise ConfigError("--issuer goes with --title alone: the issuer's metadata, read at each start, say the rest")
    title = TITLE.ask(given.get("title"), name.replace("-", " ").title(), is_asked=is_asked)
    if "issuer" in given:
        issuer = ISSUER.ask(given["issuer"], None, is_asked=False)
        OpenIDProvider(name=name, title=title, issuer=issuer)  # which refuses what no issuer has
        return Blueprint(name, title, OpenIDForm(issuer))
    known = {**found, **given}
    answers = {
        question.name: question.ask(known.get(question.name), None, is_asked=is_asked) for question in QUESTIONS
    }
    return Blueprint(name, title, _oauth2(answers, found.get("response_issuer", "")))


def _oauth2(answers: Mapping[str, str], issuer: str) -> OAuth2Form:
    return OAuth2Form(
        authorize_url=answers["authorize_url"],
        token_url=answers["token_url"],
        userinfo_url=answers["userinfo_url"],
        revoke_url=answers["revoke_url"],
        scope=tuple(answers["scope"].split()),
        token_auth=answers["token_auth"],
        issuer=issuer,
        subject_field=answers["subject_field"],
        has_number=answers["subject_type"] == "number",
        name_field=answers["name_field"],
    )
