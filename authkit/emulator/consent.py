"""The pages on which a visitor decides: the consent page, and the provider's own error page."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator.rendering import render

__all__ = ["Choice", "Consent", "Problem", "render_consent", "render_problem"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose on a page: what the form sends, what people read, and a smaller second line."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """A request for consent.

    The form goes to the page's own address. It sends ``user`` (a radio button), ``scope`` (a tick box each, all
    ticked at first) and ``decision``, which is ``allow`` or ``deny``.

    Attributes:
        provider: the provider that is emulated, as people write it.
        app: the name of the app that asks.
        users: the accounts to choose from.
        scopes: what the app asks for.
        chosen: the value of the user who is chosen at first.
    """

    provider: str
    app: str
    users: tuple[Choice, ...]
    scopes: tuple[Choice, ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that the provider shows on a page of its own, in its own words.

    Attributes:
        provider: the provider that is emulated, as people write it.
        title: the heading.
        message: what a visitor is told.
        advice: what a developer is told.
        parameter: the parameter to correct.
        log_id: the provider's id of the request.
    """

    provider: str
    title: str
    message: str
    advice: str
    parameter: str
    log_id: str


def render_consent(consent: Consent) -> str:
    """Return the consent page."""
    return render("consent.html", provider=consent.provider, consent=consent)


def render_problem(problem: Problem) -> str:
    """Return the error page."""
    return render("problem.html", provider=problem.provider, problem=problem)
