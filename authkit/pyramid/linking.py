"""Connected accounts: whoever is signed in sees the ways to sign in, adds one, and takes one away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from authkit import AuthKit, Identity, Login
from authkit.accounts import LinkedIdentity
from authkit.accounts.failures import failures_as_ours
from authkit.audit import write_success
from authkit.errors import AccountDisabled, AuthkitError, InvalidRequest, LastIdentity, ReauthRequired, printable
from authkit.pages import Pages
from authkit.pyramid.answers import page_response, redirect, to_provider, wants_json, with_safe_headers
from authkit.pyramid.commits import once_committed
from authkit.pyramid.csrf import read_form, require_csrf_token
from authkit.pyramid.guards import require_method, require_same_origin
from authkit.pyramid.limits import require_room
from authkit.pyramid.unkept import revoke_later_unless_kept
from authkit.pyramid.views import Purpose, reporting, return_to
from authkit.transactions import local_path

__all__ = ["LINK", "link", "show_accounts", "unlink"]

CONSENT = "consent"


@reporting
def show_accounts(request: Request) -> Response:
    """Show the ways to sign in to the account, with buttons to disconnect them, and what else can be connected."""
    require_method(request, "GET")
    account_id = _signed_in(request)
    with failures_as_ours():
        identities = request.accounts.identities(account_id)
    if wants_json(request):
        return _as_json(request, identities)
    kit, wanted = request.authkit, return_to(request)
    values = {
        "connected": [(linked, _title(kit, linked.registration)) for linked in identities],
        "connectable": _connectable(kit, identities),
        "csrf_token": request.authkit_csrf_token(),
        "here": _page_path(request, wanted),
        "back": local_path(wanted, kit.site.home),
    }
    return page_response(Pages(kit).of("connected_accounts.html", values))


@reporting
def link(request: Request) -> Response:
    """Send the browser to the provider, to prove an identity that the account is to get."""
    account_id, form = _posted(request)
    require_room(request, "start")
    kit, name = request.authkit, request.matchdict["registration"]
    begun = kit.begin(
        name,
        cookies=request.cookies.items(),
        return_to=local_path(form.get("return_to"), _page_path(request)),
        purpose="link",
        bound=account_id,
        prompt=_consent(kit, name),
    )
    return to_provider(begun, status=303)


@reporting
def unlink(request: Request) -> Response:
    """Disconnect an identity. The last one goes only if the form says so once more."""
    account_id, form = _posted(request)
    _refuse_blocked(request, account_id)
    identity = _identity_of(request, account_id, form)
    try:
        with failures_as_ours():
            request.accounts.unlink(account_id, identity, even_last=form.get("even_last") == "1")
    except LastIdentity as error:
        if wants_json(request):
            raise
        request.authkit.failed(error)
        return _ask_again(request, error, form)
    _log(request, "unlink", account_id, identity, "-")
    return redirect(request.authkit.site.local_url(local_path(form.get("return_to"), _page_path(request))))


def _finish_link(request: Request, login: Login) -> Response:
    """Give the account the identity that the provider has proved. The session stays what it is."""
    account_id = _signed_in(request)
    revoke_later_unless_kept(request, login)
    try:
        with failures_as_ours():
            request.accounts.link(account_id, login)
    except AuthkitError as error:
        error.registration = login.registration
        raise
    _log(request, "link", account_id, login.identity, login.correlation_id)
    return redirect(request.authkit.site.local_url(login.return_to))


def _bound(request: Request) -> str:
    """Return the account that is signed in: one that asked, and is not signed in any more, gets nothing."""
    userid = request.authenticated_userid
    return "" if userid is None else str(userid)


def _page_path(request: Request, wanted: str | None = None) -> str:
    """Return the local path of the page of connected accounts."""
    site = request.authkit.site
    url: str = site.url("/accounts", return_to=wanted) if wanted else site.url("/accounts")
    return url.removeprefix(site.origin)


LINK = Purpose("link", bound=_bound, finish=_finish_link, again=_page_path)


def _posted(request: Request) -> tuple[str, Mapping[str, str]]:
    """Return the account that is signed in, and the form that one of our own pages has sent for it."""
    require_method(request, "POST")
    require_same_origin(request)
    account_id = _signed_in(request)
    form = read_form(request)
    require_csrf_token(request, form)
    return account_id, form


def _signed_in(request: Request) -> str:
    account_id = _bound(request)
    if not account_id:
        raise ReauthRequired("nobody is signed in")
    return account_id


def _refuse_blocked(request: Request, account_id: str) -> None:
    """Refuse a blocked account, which not every policy does: its identity, once free, could sign in as a stranger."""
    with failures_as_ours():
        account = request.accounts.get(account_id)
    if account is not None and account.is_disabled:
        raise AccountDisabled("the account is disabled", registration=request.matchdict["registration"])


def _identity_of(request: Request, account_id: str, form: Mapping[str, str]) -> Identity:
    """Return the identity that a form names: one of the account's, and of the registration in the path."""
    name, key = request.matchdict["registration"], form.get("identity")
    with failures_as_ours():
        identities: tuple[LinkedIdentity, ...] = request.accounts.identities(account_id)
    for linked in identities:
        if linked.identity.key == key and linked.registration == name:
            return linked.identity
    raise InvalidRequest("the form names no identity of the account and the registration")


def _consent(kit: AuthKit, name: str) -> str | None:
    """Return the prompt that makes the provider ask, where it has one: a link is never made in passing."""
    registration = kit.registrations.get(name)
    return CONSENT if registration is not None and CONSENT in registration.prompts else None


def _ask_again(request: Request, error: LastIdentity, form: Mapping[str, str]) -> Response:
    """Return the page that asks whether the last way to sign in may go."""
    kit, name = request.authkit, request.matchdict["registration"]
    values = {
        "error": error,
        "action": kit.site.url(f"/{name}/unlink"),
        "title": _title(kit, name),
        "identity": form["identity"],
        "csrf_token": request.authkit_csrf_token(),
        "return_to": local_path(form.get("return_to"), _page_path(request)),
    }
    return page_response(Pages(kit).of(f"{error.code}.html", values, error.status))


def _title(kit: AuthKit, name: str) -> str:
    """Return what people call a registration, which may have been taken out of the settings."""
    return kit.registrations[name].provider.title if name in kit.registrations else name


def _connectable(kit: AuthKit, identities: tuple[LinkedIdentity, ...]) -> list[tuple[str, str, bool]]:
    """Return name, title, and whether the account has one already, of each registration."""
    used = {linked.registration for linked in identities}
    return [(name, _title(kit, name), name in used) for name in kit.registrations]


def _as_json(request: Request, identities: tuple[LinkedIdentity, ...]) -> Response:
    kit = request.authkit
    content = {
        "identities": [_described(kit, linked) for linked in identities],
        "registrations": [
            {"registration": name, "title": title, "is_connected": is_connected}
            for name, title, is_connected in _connectable(kit, identities)
        ],
        "csrf_token": request.authkit_csrf_token(),
    }
    return with_safe_headers(Response(json.dumps(content), content_type="application/json", charset="utf-8"))


def _described(kit: AuthKit, linked: LinkedIdentity) -> dict[str, Any]:
    return {
        "identity": linked.identity.key,
        "registration": linked.registration,
        "title": _title(kit, linked.registration),
        "display_name": linked.display_name,
        "username": linked.username,
        "avatar_url": linked.avatar_url,
        "connected_at": linked.created_at.isoformat(),
        "last_login_at": linked.last_login_at.isoformat(),
        "needs_reauth": linked.needs_reauth,
    }


def _log(request: Request, purpose: str, account_id: str, identity: Identity, reference: str) -> None:
    """Write the audit line of what succeeded. It is no login, so the observers of logins are told nothing."""
    name = request.matchdict["registration"]
    details = {"identity": identity.key, "purpose": purpose, "account": printable(account_id)}
    once_committed(request, name, lambda: write_success(identity.authority, name, reference, details))
