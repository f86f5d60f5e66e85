"""The questions about a new plugin: each is an option as well, and its answer is checked either way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from authkit.cli.servermetadata import check_https
from authkit.errors import ConfigError
from authkit.keys import words

__all__ = ["ISSUER", "QUESTIONS", "TITLE", "Question", "as_options"]

TITLE_LENGTH = 60
FIELD = re.compile(r"(?=.{1,40}$)[A-Za-z0-9_$@:/-]+(\.[A-Za-z0-9_$@:/-]+){0,3}")
SCOPE = re.compile(r"[!#-&(-+\--\[\]-_a-{}~]{1,200}")
"""A scope as RFC 6749, section 3.3, has it, without quotes, commas, backticks and bars."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a new plugin.

    Attributes:
        name: the name of its answer, and of the option that answers it beforehand.
        text: what is asked, and the option's help.
        check: returns the answer as it is used, or raises `ValueError`, whose text goes on after the answer.
        default: what is taken where nothing is answered; None where there has to be an answer.
    """

    name: str
    text: str
    check: Callable[[str], str]
    default: str | None = None

    @property
    def option(self) -> str:
        """The option that answers it."""
        return f"--{self.name.replace('_', '-')}"

    def ask(self, given: str | None, default: str | None, *, is_asked: bool) -> str:
        """Return the answer: what was given, or what somebody types, or the default.

        Args:
            given: what the option says.
            default: instead of the question's own default.
            is_asked: whether somebody is there to ask.

        Raises:
            ConfigError: what was given cannot be, or there is nothing.
        """
        default = self.default if default is None else default
        if given is None and is_asked:
            return str(click.prompt(self.text, default=default, show_default=bool(default), value_proc=self._typed))
        answer = default if given is None else given
        if answer is None:
            raise ConfigError(f"{self.option} is missing: {self.text}")
        try:
            return self.check(answer)
        except ValueError as exc:
            problem = str(exc)
        raise ConfigError(f"{self.option} '{answer}' {problem}")

    def _typed(self, answer: str) -> str:
        try:
            return self.check(answer)
        except ValueError as exc:
            problem = str(exc)
        raise click.UsageError(f"{answer!r} {problem}")


def _title(text: str) -> str:
    title = text.strip()
    if not title or len(title) > TITLE_LENGTH or not title.isprintable():
        raise ValueError(f"has to be 1 to {TITLE_LENGTH} characters that can be printed")
    return title


def _maybe_https(url: str) -> str:
    return check_https(url) if url else ""


def _scope(text: str) -> str:
    if wrong := [word for word in words(text) if not SCOPE.fullmatch(word)]:
        raise ValueError(f"has {wrong[0]!r}, which is no scope (RFC 6749, section 3.3)")
    return " ".join(words(text))


def _field(name: str) -> str:
    if not FIELD.fullmatch(name):
        raise ValueError("is no member's name; write one as id, or with dots between at most four: data.user.id")
    return name


def _maybe_field(name: str) -> str:
    return _field(name) if name else ""


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(answer: str) -> str:
        if answer not in choices:
            raise ValueError(f"has to be one of: {', '.join(choices)}")
        return answer

    return check


TITLE = Question("title", 'What people read after "Continue with"', _title)
ISSUER = Question("issuer", "OpenID Connect: the issuer's address, which says all the rest", check_https)

QUESTIONS = (
    Question("authorize_url", "Authorization endpoint (the address that people sign in at)", check_https),
    Question("token_url", "Token endpoint", check_https),
    Question("userinfo_url", "User info endpoint (it answers who somebody is)", check_https),
    Question("revoke_url", "Revocation endpoint (empty: none)", _maybe_https, ""),
    Question("scope", "Scopes to ask for, with blanks between (empty: none)", _scope, ""),
    Question(
        "token_auth", "How the client secret travels: basic, body or none", _one_of("basic", "body", "none"), "basic"
    ),
    Question("subject_field", "Where the user info has the user's id", _field, "id"),
    Question("subject_type", "Is that id a text or a number", _one_of("text", "number"), "text"),
    Question("name_field", "Where it has a name to show (empty: nowhere)", _maybe_field, "name"),
)
"""What is asked about a provider of the OAuth 2.0 code flow."""


def as_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each question."""
    for question in reversed((TITLE, ISSUER, *QUESTIONS)):
        command = click.option(question.option, question.name, help=f"{question.text}.")(command)
    return command
