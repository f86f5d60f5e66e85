"""The few HTML pages, for any adapter: a folder of the app's own comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from authkit.errors import AuthkitError, IdentityTaken
from authkit.flow import AuthKit
from authkit.models import Login
from authkit.provider import AnyProvider, OAuth2Provider
from authkit.urls import is_loopback, origin_of

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["SAFE_HEADERS", "Page", "Pages"]

SAFE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""The headers of every answer of authkit: not kept, not framed, not sniffed, and no Referer that holds a code."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, ready to send."""

    html: str = field(repr=False)
    status: int
    headers: Mapping[str, str]


class Pages:
    """Renders the pages of one kit.

    The templates are ``sign_in.html``, ``error.html``, and for single errors ``<code>.html``; each is looked for
    in the folder of the setting ``authkit.templates`` first. They get ``kit`` and ``nonce`` (for the one inline
    style sheet), and an error page ``error`` and ``again`` (the local path where another try begins, "" for a login).
    """

    def __init__(self, kit: AuthKit) -> None:
        self._kit = kit

    def sign_in(self, return_to: str | None = None) -> Page:
        """Return the page with a button per registration."""
        return self._render(["sign_in.html"], 200, return_to=return_to)

    def error(self, error: AuthkitError, *, again: str = "") -> Page:
        """Return the page of `error`: its code, a sentence and the correlation id, never the reason.

        Args:
            error: what went wrong.
            again: the local path where another try begins, "" for a login with the error's registration.
        """
        names = [f"{error.code}.html", "error.html"]
        if isinstance(error, IdentityTaken):  # there is nobody to switch to
            names.insert(0, "identity_taken.html")
        return self._render(names, error.status, error=error, again=again)

    def of(self, template: str, values: Mapping[str, object], status: int = 200) -> Page:
        """Return the page that a template makes of `values`, for the parts that have pages of their own."""
        return self._render([template], status, **values)

    def done(self, outcome: Login | AuthkitError) -> Page:
        """Return the page of a program on a desktop: how the login ended, and that the browser can be closed."""
        error = outcome if isinstance(outcome, AuthkitError) else None
        return self._render(["done.html"], error.status if error else 200, login=outcome, error=error)

    def _render(self, names: list[str], status: int, **values: object) -> Page:
        nonce = token_urlsafe(16)
        template = _environment(self._kit.site.templates).select_template(names)
        html = template.render(kit=self._kit, nonce=nonce, **values)
        policy = (
            f"default-src 'none'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
            f"form-action {self._form_targets()}; base-uri 'none'; frame-ancestors 'none'"
        )
        return Page(html, status, {**SAFE_HEADERS, "Content-Security-Policy": policy})

    def _form_targets(self) -> str:
        # "Sign out and switch", like "Connect", is a form whose redirects end at the provider: browsers check those.
        targets = {_form_target(registration.provider) for registration in self._kit.registrations.values()}
        return " ".join(["'self'", *sorted(targets - {""})])


def _form_target(provider: AnyProvider) -> str:
    """Return where browsers are sent; any https where only an issuer's metadata say it, which come later."""
    if isinstance(provider, OAuth2Provider):
        return origin_of(provider.authorize_url)
    issuer: str = getattr(provider, "issuer", "")
    return origin_of(issuer) if is_loopback(issuer) else "https:" if issuer else ""


@lru_cache
def _environment(own_folder: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

    own = [FileSystemLoader(own_folder)] if own_folder else []
    return Environment(
        loader=ChoiceLoader([*own, PackageLoader("authkit")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
